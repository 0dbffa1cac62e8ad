#!/usr/bin/env bash
# Called in the image of OSS-Fuzz: builds every target with AddressSanitizer, and packs seeds and dictionary beside it.
set -euo pipefail

# The image brings the nightly that its sanitizers belong to; the toolchain file of the repository pins another.
RUSTUP_TOOLCHAIN="${RUSTUP_TOOLCHAIN:-$(rustup default | cut -d' ' -f1)}"
export RUSTUP_TOOLCHAIN

cd "$SRC/plugfest"
cargo fuzz build -O

# The seeds come from programs that are not fuzzed themselves, so without the instrumentation of the image.
env -u RUSTFLAGS -u CFLAGS -u CXXFLAGS fuzz/seed corpus

release="fuzz/target/x86_64-unknown-linux-gnu/release"
for file in fuzz/fuzz_targets/*.rs; do
    target="$(basename "$file" .rs)"
    cp "$release/$target" "$OUT/"
    cp fuzz/corpus/ocpp.dict "$OUT/$target.dict"
    seeds=()
    for folder in "fuzz/corpus/$target" "fuzz/regressions/$target"; do
        if [[ -d "$folder" ]]; then seeds+=("$folder"); fi
    done
    if ((${#seeds[@]} > 0)); then
        zip --quiet --recurse-paths --junk-paths "$OUT/${target}_seed_corpus.zip" "${seeds[@]}"
    fi
done
