"""A process that has imported everything and forks a child for each run of the command line, told what by JSON lines.

Run by `tests.faults.harness.Server`; Linux only. No thread starts in it, so that forking is safe.
"""

import atexit
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import threading

from mesofuse.registry import get_registry


def serve(requests, replies):
    """Answer requests until they end."""
    for line in requests:
        request = json.loads(line)
        answer = None
        if request["do"] == "run":
            assert threading.active_count() == 1
            pid = os.fork()
            if pid == 0:
                requests.close()
                replies.close()
                child(request)
            answer = {"pid": pid}
        elif request["do"] == "wait":
            answer = wait(request["pid"], request["seconds"])
        elif request["do"] == "import":
            for name in request["modules"]:
                if name not in sys.modules:
                    try:
                        importlib.import_module(name)
                    except Exception as error:  # not all that a run ends with can be imported by its name
                        print(name, error, file=sys.stderr)
            get_registry()
            gc.collect()
            gc.freeze()  # children copy fewer pages
            answer = {"threads": threading.active_count()}
        replies.write(json.dumps(answer) + "\n")
        replies.flush()


def wait(pid, seconds):
    """Return how a child ended; after ``seconds`` it is killed."""
    handle = os.pidfd_open(pid)
    late = not select.select([handle], [], [], seconds)[0]
    if late:
        os.kill(pid, signal.SIGKILL)
    os.close(handle)
    return {"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "late": late}


def child(request):
    """Become a run of the command line; this does not return."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, path in ((0, os.devnull), (1, request["stdout"]), (2, request["stderr"])):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.dup2(file, number)
        os.close(file)
    report = os.open(request["report"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    write = os.write

    def tell(what):
        write(report, (json.dumps(what) + "\n").encode())

    os.chdir(request["folder"])
    os.environ.update(request["env"])
    for name, limit in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    if request["user"]:
        os.setgroups([])
        os.setgid(request["user"])
        os.setuid(request["user"])

    from mesofuse.cli.main import main
    from tests.faults.plant import Plant

    plant = Plant(request["folder"], tell, request["fault"])
    plant.install()
    code = main(request["argv"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt planted at the last operation may be on its way
    if not request["fault"]:
        tell({"seen": plant.seen, "modules": sorted(sys.modules) if request["modules"] else []})
    # As Python ends, but without taking apart all that the server has imported, which takes longer than most runs.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    lines = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    import torch

    torch.set_num_threads(1)
    serve(*lines)
