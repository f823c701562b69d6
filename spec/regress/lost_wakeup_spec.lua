-- A migration was being undone, and each call of the undo took five seconds, so that it gave up: "it is not known where the guest runs". libvirt's
-- client loses the wake-up of the thread that speaks with the daemon (src/call/nudge.h), on a busy machine every few calls. A call beside a
-- longer one then waits for the next keepalive answer, and without keepalive for the end of the longer one.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local tiny = require("spec.support.tiny")

local CALLS = 2000

describe("A call beside one that lasts", function()
  local machine, it_ = faults.machine({ conf = 'auth_unix_rw = "none"\nkeepalive_interval = -1' }) -- nothing else wakes it

  it_("does not wait for it", function()
    local host <close> = guestlua.open(machine.uri, { keepalive = 0 })
    local guest <close> = host:guest("tiny")
    local emulator = machine:emulator()
    local function signal(name)
      assert(os.execute(("kill -%s %d"):format(name, emulator)))
    end
    signal("STOP")
    local lasting = guestlua.spawn(function()
      return guest:get_block_device("vda"):get_block_info()
    end)
    local busy <close> = guestlua.group() -- luacheck: ignore busy
    for _ = 1, 4 do
      busy:spawn(guestlua.run, "sh", { args = { "-c", "while :; do :; done" } })
    end
    local going <close> = setmetatable({}, { __close = function() -- luacheck: ignore going
      signal("CONT")
      lasting:wait({ timeout = tiny.TIMEOUT })
    end })
    guestlua.sleep(0)
    for _ = 1, CALLS do
      for _, one in ipairs(host:guests({ timeout = 30 })) do
        one:close()
      end
    end
    assert.equal("running", lasting:status())
  end)
end)
