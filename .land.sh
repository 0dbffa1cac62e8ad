#!/bin/sh
cd /work/wt/cases-a || exit 1
git add -A testcases harness && git commit -qm "$1" ; git rebase -q main && git -C /work/main merge -q --ff-only w/cases-a && git log --oneline -1
