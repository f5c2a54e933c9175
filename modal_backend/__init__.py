"""The models and the one way to call them. Knows nothing of Streamlit, pages or the database."""

import os

# Waiting threads of the network sleep instead of spinning: where other work shares the cores (decoding, the pages, a
# second worker) a batch was measured up to ten times faster. libgomp reads this once, when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The keyword graph uses none of Hamilton's plugins; found by themselves they bring pandas, scikit-learn and more into
# every process that imports it: two seconds at each start of a worker.
os.environ.setdefault("HAMILTON_AUTOLOAD_EXTENSIONS", "0")
