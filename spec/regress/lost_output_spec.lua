-- What a script prints goes where it is to go, or its exit code says that it did not.
--
-- Seen: on a full disk the last that was printed was lost, with exit code 0: half of the metrics were in the file. And if a script was started with
-- all standard streams closed, as by a daemon, standard error was an eventfd of libuv's, and the programs that it started had no streams.

local helper = require("spec.support.helper")

local function shell(script)
  return helper.run("sh -s " .. helper.interpreter, script)
end

describe("What is printed", function()
  it("is not lost in silence", function()
    if not io.open("/dev/full") then
      return pending("this machine has no /dev/full")
    end
    for _, arguments in ipairs({ "-e 'print(1)'", "-e 'io.write(1)'", "-e 'for i = 1, 5000 do print(i) end'", "--help", "help",
      "-c test:///default metrics", "-c test:///default top --once" }) do
      local code, _, err = shell(('"$1" %s >/dev/full'):format(arguments))
      assert.equal(1, code, arguments)
      assert.matches("^guestlua: the output could not be written in full", err, arguments)
    end
    local code, _, err = shell([["$1" -e 'print(1) os.exit(7)' >/dev/full; "$1" -e 'print(1) error("mine", 0)' >/dev/full]])
    assert.equal(1, code)
    assert.matches("^guestlua: mine\n", err)
  end)

  it("goes nowhere if the standard output is closed", function()
    local code, out, err = shell([["$1" -e '
      os.execute("cd /proc && readlink $$/fd/0 $$/fd/2 $PPID/fd/0 $PPID/fd/1 $PPID/fd/2 >&3")
      print("x", io.read()) io.stderr:write("y")' 3>&1 <&- >&- 2>&-]])
    assert.same({ 0, ("/dev/null\n"):rep(5), "" }, { code, out, err })
  end)
end)
