# What takes longer than a test run. The environment: PYTHON=path/to/python (default .venv).
PYTHON ?= .venv/bin/python
SECONDS ?= 3600

.PHONY: fuzz faults guards benchmarks

# Needs `pip install --group fuzz`; goes on where the last run stopped.
fuzz:
	$(PYTHON) fuzz/fuzz_all.py --seconds $(SECONDS) --corpus .fuzz --log .fuzz.jsonl
	$(PYTHON) fuzz/fuzz_all.py --total .fuzz.jsonl

faults:
	$(PYTHON) benchmarks/faults.py

guards:
	$(PYTHON) scripts/check_guards.py

benchmarks:
	$(PYTHON) benchmarks/run.py
