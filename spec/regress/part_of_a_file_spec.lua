-- The disks of a guest that is off were read as their files alone are. If libvirt's configuration said otherwise, that the disk is a part of the file
-- (<slices>) or has other images below it (<backingStore>) than its header names, a backup and a clone had other contents than the guest, and
-- succeeded.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local workflow = guestlua.workflow

local DOMAIN = [[<domain type='qemu'><name>partly</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><disk type='file' device='disk'><driver name='qemu' type='%s'/>%s<target dev='vda' bus='virtio'/></disk></devices></domain>]]

describe("A disk of a guest that is off", function()
  local host, dir, guest

  helper.leaves_nothing(function()
    host, dir = tiny.host(), helper.scratch()
    helper.sh("cd %s && qemu-img create -q -f raw part.img 4M && qemu-img create -q -f qcow2 base.qcow2 1M"
      .. " && qemu-img create -q -f qcow2 other.qcow2 1M"
      .. " && qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2 && chmod 755 .", dir)
  end, function()
    guest:delete_configuration()
    guest:close()
  end)

  local function define(format, source)
    guest = host:write_instance_config(DOMAIN:format(format, (source:gsub("DIR", dir))))
  end

  local function refused(found)
    for _, call in ipairs({
      function() workflow.clone(guest, { name = "partly-clone" }) end,
      core.nbd_copy and function() workflow.backup(guest, { to = dir .. "/to" }) end,
    }) do
      local e = helper.failure(call)
      assert.equal("argument_unsupported", e.kind, tostring(e))
      assert.equal("vda", e.device)
      assert.matches(found, e.message)
    end
  end

  it("is not read if it is a part of its file", function()
    define("raw", "<source file='DIR/part.img'><slices><slice type='storage' offset='1048576' size='1048576'/></slices></source>")
    refused("is a part of .*part.img only")
  end)

  it("is not read if the configuration has another image below, or none", function()
    define("qcow2", [[<source file='DIR/top.qcow2'/><backingStore type='file'><format type='qcow2'/><source file='DIR/other.qcow2'/><backingStore/>
      </backingStore>]])
    refused("below .*top.qcow2 the configuration has .*other.qcow2")
  end)

  it("is not read if the configuration has no image below, and the header names one", function()
    define("qcow2", "<source file='DIR/top.qcow2'/><backingStore/>")
    refused("the configuration has nothing")
  end)

  it("is read if both name the same", function()
    define("qcow2", [[<source file='DIR/top.qcow2'/><backingStore type='file'><format type='qcow2'/><source file='DIR/base.qcow2'/></backingStore>]])
    workflow.clone(guest, { name = "partly-clone" })
    local clone <close> = host:guest("partly-clone")
    clone:delete_configuration()
    if core.nbd_copy then
      assert.equal("off", workflow.backup(guest, { to = dir .. "/to" }).consistency)
    end
  end)
end)
