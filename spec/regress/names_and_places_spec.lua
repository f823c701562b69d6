-- Arguments that cannot be, and that were found out late, or said to be something else.
--
--   A name that is not UTF-8 was refused when libvirt's XML was made, by a name that nobody had given: "bad argument 'file' to 'Element'".
--   A file whose name is too long for any file was left, according to the error: "left: …: File name too long".
--   A device of a guest that is off was "not found" in the running guest, which there was none of.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

describe("What cannot be is refused by its own name:", function()
  local host, guest
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = host:guest("test")
  end, function()
    host:close()
    host, guest = nil, nil
  end)

  local function refused(argument, said, fn, ...)
    local e = helper.failure(fn, ...)
    assert.same({ "bad_argument", argument }, { e.kind, e.argument }, tostring(e))
    assert.matches(said, e.message, 1, true)
  end

  for said, name in pairs({ ["UTF-8"] = "\xff", ["more than 255 bytes"] = ("x"):rep(256) }) do
    it("a file's name: " .. said, function()
      local path = "/tmp/" .. name
      refused("out_path", said, workflow.live_snapshot, guest, "vda", path)
      refused("new_file", said, workflow.volume_snapshot_create, guest, "vda", { new_file = name })
      refused("to", said, workflow.clone, guest, { name = "other", to = path })
      refused("files", said, workflow.clone, guest, { name = "other", files = { vda = path } })
      refused("scratch", said, workflow.backup, guest, { to = "/tmp/backup", scratch = path })
    end)
  end

  it("a guest's name that is not UTF-8", function()
    refused("name", "UTF-8", workflow.clone, guest, { name = "x\xff" })
  end)

  it("a count from 1 up", function()
    for _, name in ipairs({ "per_target", "per_host", "bandwidth" }) do
      refused(name, "from 1 up", workflow.backup, guest, { to = "/tmp/backup", [name] = 0 })
    end
  end)

  it("the running guest, if there is none, and the configuration", function()
    guest:poweroff()
    local e = helper.failure(workflow.detach_with_retry, guest, "vda", { persistent = false })
    assert.same({ "operation_invalid", "vda" }, { e.kind, e.device })
    assert.matches("the guest is off", e.message, 1, true)
    e = helper.failure(workflow.detach_with_retry, guest, "vdz")
    assert.equal("device_not_found", e.kind)
    assert.is_false(workflow.detach_with_retry(guest, "vda", { persistent = false, missing_ok = true }).changed)
  end)
end)
