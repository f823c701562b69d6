-- readline comes when a prompt opens: nothing else waits for it, or needs it.

local helper = require("spec.support.helper")
local screens = require("spec.support.screen")

describe("readline", function()
  -- A directory with files of readline's names that are no libraries.
  local directory
  setup(function()
    directory = helper.scratch()
    for version = 6, 9 do
      assert(io.open(("%s/libreadline.so.%d"):format(directory, version), "w")):close()
    end
  end)

  it("is not linked, and a script needs none", function()
    local code, out = helper.run("objdump -p " .. helper.interpreter)
    assert.equal(0, code)
    assert.matches("NEEDED%s+libvirt", out)
    assert.not_matches("NEEDED%s+libreadline", out)
    local script = ("env LD_LIBRARY_PATH=%s %s -i"):format(directory, helper.interpreter)
    code, out = helper.run(("sh -c %s"):format(helper.quoted("echo '1 + 1\n.history x' | " .. script)))
    assert.same({ 0, "2\nNothing in the history has 'x'.\n" }, { code, out })
  end)

  it("is named, with its package, by a prompt that does not find it", function()
    if not os.execute("command -v tmux >/dev/null") then
      return pending("needs tmux")
    end
    local screen <close> = screens.start(helper.interpreter .. " -q", { columns = 200, env = { LD_LIBRARY_PATH = directory } })
    assert.equal(1, screen:exit_code())
    screen:matches("^guestlua: the prompt needs GNU readline: .*libreadline.*too short\n +hint: install it: Debian has it as libreadline%d")
  end)
end)
