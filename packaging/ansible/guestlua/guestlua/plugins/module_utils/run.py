# Copyright: the guestlua authors
# The licence is that of guestlua: see LICENSE.
"""Runs guestlua, and makes of its --result what a module gives back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile

COMMON = dict(
    uri=dict(type="str"),
    timeout=dict(type="float"),
    recover=dict(type="bool", default=False),
    executable=dict(type="path", default="guestlua"),
)

PR_SET_PDEATHSIG = 1


def _die_with_parent():
    # Whoever kills this process outright ends the script by a signal that it can answer.
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        pass


def _run(command, data):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_die_with_parent)

    def forward(signo, frame):
        # The script takes back what it has begun, and is waited for.
        child.send_signal(signal.SIGTERM)

    before = dict((signo, signal.signal(signo, forward)) for signo in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
    try:
        out, err = child.communicate(data)
    finally:
        for signo, handler in before.items():
            signal.signal(signo, handler)
    return child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _recover(module, base):
    code, out, err = _run(base + ["recover"], b"")
    if code != 0:
        module.fail_json(msg="guestlua recover: %s" % (err.strip() or out.strip()), stdout=out, stderr=err, rc=code)


def run(module, script, arguments=(), data=None):
    """Runs a script: a path. Gives guestlua's document, and what the script printed; fails the module if there is no document."""
    program = module.get_bin_path(module.params["executable"], True)
    base = [program, "-q"]
    if module.params["uri"]:
        base += ["-c", module.params["uri"]]
    if module.params["recover"] and not module.check_mode:
        _recover(module, base)
    directory = tempfile.mkdtemp(prefix="guestlua.", dir=module.tmpdir)
    result = os.path.join(directory, "result")
    options = ["--result", result] + (["--dry-run"] if module.check_mode else [])
    command = base + options + ["--", script] + list(arguments)
    if module.params["timeout"]:
        # The first signal lets the script undo; there is no second one.
        command = ["timeout", "--foreground", "--signal=TERM", "%g" % module.params["timeout"]] + command
    try:
        code, out, err = _run(command, (data or "").encode("utf-8"))
        with open(result) as file:
            document = json.load(file)
    except (IOError, OSError, ValueError) as e:
        module.fail_json(msg="guestlua gave no result: %s" % e, stdout=locals().get("out"), stderr=locals().get("err"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return document, code, out, err


def finish(module, document, code, out, err, **more):
    """Ends the module with what guestlua said."""
    answer = dict(
        changed=document.get("changed", False),
        returned=document.get("results", []),  # Ansible takes "results" for those of a loop
        workflows=document.get("workflows", []),
        calls=document.get("calls", []),
        left=document.get("left", []),
        problems=document.get("problems", []),
        rc=code,
        stdout=out,
        stderr=err,
    )
    answer["plan"] = [call for call in answer["calls"] if call.get("outcome") == "held"]
    answer.update(more)
    if not document.get("ok"):
        error = document.get("error") or {}
        message = error.get("text") or error.get("message") or "guestlua ended with exit code %d" % code
        if document.get("state") == "running":
            message = "guestlua was killed: what it left is taken back by recover: true"
        module.fail_json(msg=message, error=error, **answer)
    module.exit_json(**answer)


def run_source(module, source, arguments=(), data=None):
    """The same of a script that is a text."""
    handle, path = tempfile.mkstemp(prefix="guestlua.", suffix=".lua", dir=module.tmpdir)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(source)
        return run(module, path, arguments, data)
    finally:
        os.unlink(path)
