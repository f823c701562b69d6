-- Ctrl-C at a question (io.read), at a prompt without readline, or while the script itself was still read from a pipe: nothing happened, and the
-- second one killed without undoing anything. The timer of the slices had its signal handled at the same moment as the interrupt's, first, and let
-- the read go on; on a machine with much to do that was each third time. loadfile reads on after a signal, always. And the prompt took it for the
-- end of its input, with exit code 0.

local helper = require("spec.support.helper")

-- Starts guestlua so often with an input that does not end, and sends it SIGTERM as soon as it reads that. $0: guestlua.
local SCRIPT = [[
dir=$1 count=$2
shift 2
mkfifo "$dir/input"
while [ $count -gt 0 ]; do
  count=$((count - 1))
  "$0" "$@" <"$dir/input" >/dev/null 2>&1 &
  pid=$!
  exec 3>"$dir/input"
  until read -r call fd rest <"/proc/$pid/syscall" && [ "$call $fd" = "0 0x0" ]; do :; done
  kill -TERM $pid
  wait $pid
  printf '%s ' $?
  exec 3>&-
done
rm -r "$dir"]]

describe("A read of standard input", function()
  local file <close> = io.open("/proc/self/syscall")
  local it_ = file and file:read("l") and it or pending -- without it nobody knows when the child reads

  -- Sends one at a time so many signals; "143 " for each is right.
  local function ends(count, arguments)
    local command = ("timeout -k 5 60 sh -c %s %s %s %d %s"):format(helper.quoted(SCRIPT), helper.interpreter, helper.scratch(), count, arguments)
    local _, out, err = helper.run(command)
    assert.equal(("143 "):rep(count), out, err)
  end

  it_("ends with a signal if there are other tasks", function()
    ends(12, helper.quoted("-e") .. " " .. helper.quoted("guestlua.spawn(guestlua.sleep, 600) io.read() guestlua.sleep(600)"))
  end)

  it_("of the prompt ends with a signal", function()
    ends(4, "-c test:///default -i")
  end)

  it_("ends with a signal while it is the script that is read", function()
    ends(1, "-")
    ends(1, "-c test:///default")
  end)
end)
