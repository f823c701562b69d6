-- Where the journal is, if nobody says it.

local core = require("guestlua.core")
local helper = require("spec.support.helper")

describe("The journal's directory", function()
  local SHOW = [[-e 'print(guestlua.journal())']]

  local function shows(environment, as)
    return helper.run(("%s env %s %s %s"):format(as or "", environment, helper.interpreter, SHOW))
  end

  it("is below XDG_STATE_HOME, or HOME, or /var/lib for root without both", function()
    assert.same({ 0, "/x/guestlua/journal\n", "" }, { shows("HOME=/h XDG_STATE_HOME=/x") })
    for _, none in ipairs({ "-u XDG_STATE_HOME", "XDG_STATE_HOME=", "XDG_STATE_HOME=relative" }) do
      assert.same({ 0, "/h/.local/state/guestlua/journal\n", "" }, { shows(none .. " HOME=/h") })
    end
    if core.user() ~= 0 then
      pending("needs root")
    end
    for _, none in ipairs({ "-u HOME -u XDG_STATE_HOME", "HOME= XDG_STATE_HOME=", "HOME=. XDG_STATE_HOME=." }) do
      assert.same({ 0, "/var/lib/guestlua\n", "" }, { shows(none) })
    end
  end)

  it("is an error for others without both", function()
    if core.user() ~= 0 then
      pending("needs root, to be another user")
    end
    local program = os.tmpname() -- what that user may run
    finally(function() os.remove(program) end)
    assert(os.execute(("cp %s %s && chmod 755 %s"):format(helper.interpreter, program, program)))
    for _, none in ipairs({ "-u HOME -u XDG_STATE_HOME", "HOME= XDG_STATE_HOME=" }) do
      local code, out, err = helper.run(([[env %s setpriv --reuid=nobody --regid=nogroup --clear-groups %s -e '
        print(select(2, pcall(guestlua.journal)).kind)
        local host <close> = guestlua.open("test:///default")
        local ok, e = pcall(guestlua.recover, host)
        print(ok, e.kind)
        print(pcall(function() local paused <close> = host:guest("test"):paused() end))']]):format(none, program))
      assert.same({ 0, "" }, { code, err })
      assert.matches("^bad_argument\nfalse\tbad_argument\nfalse\t[^\n]*neither HOME nor XDG_STATE_HOME", out)
      code, out, err = helper.run(("env %s setpriv --reuid=nobody --regid=nogroup --clear-groups %s -c test:///default recover"):format(
        none, program))
      assert.same({ 1, "" }, { code, out })
      assert.matches("^guestlua[^\n]*neither HOME nor XDG_STATE_HOME", err)
    end
    assert.is_nil(core.find_image("/.local"))
  end)
end)
