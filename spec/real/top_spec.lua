-- guestlua top, of a guest with a job: its bar is on the screen for as long as the job is there.

local faults = require("spec.support.faults")
local helper = require("spec.support.helper")
local screen = require("spec.support.screen")

describe("guestlua top of a guest that runs", function()
  local machine, it_ = faults.machine()

  local function copy()
    local disk = machine.guest:get_block_device("vda")
    local xml = ("<disk type='file'><driver type='raw'/><source file='%s/copy'/></disk>"):format(machine.dir)
    disk:copy(xml, { transient = true, bandwidth = 1 << 16 })
    return setmetatable({}, { __close = function()
      disk:abort_job()
    end })
  end

  it_("has its disk's job, with a bar, until it is over", function()
    if not os.execute("command -v tmux >/dev/null") then
      return pending("no tmux")
    end
    local view <close> = screen.start(("%s -c %s top --delay 0.2"):format(helper.interpreter, helper.quoted(machine.uri)),
      { columns = 120, lines = 12 })
    view:shows("tiny ")
    assert.is_nil(view:text():find("copy", 1, true))
    do
      local job <close> = copy() -- luacheck: ignore job
      view:matches("tiny: vda copy +%[[#%-]+%] +%d+ %%  [%d.]+ of [%d.]+ [KM]iB")
      local code, out, err = helper.guestlua(("-c %s top --once --delay 0"):format(helper.quoted(machine.uri)))
      assert.same({ 0, "" }, { code, err })
      assert.matches("\ntiny +running .*\ntiny: vda copy +%[[#%-]+%] +%d+ %%", out)
    end
    helper.await(function()
      return not view:text():find("copy", 1, true)
    end, "the bar to go")
    view:shows("tiny ")
  end)

  it_("names a guest that does not say its jobs", function()
    local code, out, err = faults.run('require("guestlua.command.top")("top", "--once", "--delay", "0", "--connect", arg[1])',
      { args = { machine.uri }, fault = "virDomainGetBlockJobInfo#1:operation_timeout" })
    assert.equal(0, code, err)
    assert.matches("\ntiny: its jobs are not known: %S", out)
  end)
end)
