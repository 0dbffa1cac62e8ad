//! Events, traces, standing oracles, verdicts and expectations. No I/O: the same rules serve run, report and judge.
