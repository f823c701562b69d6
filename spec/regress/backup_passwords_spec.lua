-- A guest whose console had a password was backed up without it: libvirt shows passwords only to who asks for them. The restored guest's console was
-- open to the network, and neither the backup nor the restore said so.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

local DOMAIN = [[<domain type='qemu'><name>console</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
  <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s/disk.raw'/><target dev='vda' bus='virtio'/></disk>
  <graphics type='vnc' port='5999' listen='0.0.0.0' passwd='sesame!!'/></devices></domain>]]

describe("A guest with a password", function()
  local dir, host, guest

  helper.leaves_nothing(function()
    dir, host = helper.scratch(), tiny.host()
    assert(os.execute("chmod 755 " .. dir))
    sh("qemu-img create -q -f raw %s/disk.raw 64k", dir)
    core.write_file(dir .. "/passphrase", "correct horse battery")
    guest = host:write_instance_config(DOMAIN:format(dir))
  end, function()
    guest:delete_configuration()
    guest:close()
  end)

  local function it_(name, fn)
    it(name, core.nbd_copy and fn or function() pending("this was built without libnbd") end)
  end

  -- The result of the backup, that of a restore, and the restored guest's password.
  local function through(options)
    options.to = dir .. "/to"
    local made = workflow.backup(guest, options)
    local done = workflow.restore(host, { from = made.directory, name = "again", to = dir, encrypt = options.encrypt })
    local again <close> = host:guest("again", { required = true })
    local password = core.element(again:get_xml_desc({ dump_inactive = true, dump_sensitive = true })).devices.graphics.passwd
    again:delete_configuration()
    return made, done, password
  end

  it_("is restored with it, and nobody else can read it in the backup", function()
    local made, done, password = through({})
    assert.same({ {}, nil, "sesame!!" }, { made.left_out, done.dropped, password })
    assert.equal("600", sh("stat -c %%a %s/%s.xml", made.directory, made.id):match("%d+"))
  end)

  it_("is saved encrypted without it, which is named, unless the password may be in the clear", function()
    local made, done, password = through({ encrypt = dir .. "/passphrase", unlock_time = 10 })
    assert.same({ 1, "passwords", { "passwords" } }, { #made.left_out, made.left_out[1].target, done.dropped })
    assert.is_nil(password)
    assert.matches("plain=true", made.left_out[1].why)
    sh("! grep -rq sesame %s/to", dir)
  end)

  it_("is saved without it by a user whom libvirt does not show it, which is named", function()
    local original = guestlua.Guest.get_xml_desc
    local back <close> = setmetatable({}, { __close = function() -- luacheck: ignore back
      guestlua.Guest.get_xml_desc = original
    end })
    -- as with access control by polkit, which takes a system's bus
    guestlua.Guest.get_xml_desc = function(self, options)
      return options and options.dump_sensitive and error(core.Error.new({ kind = "access_denied", message = "domain.read-secure" }), 0)
        or original(self, options)
    end
    local made = workflow.backup(guest, { to = dir .. "/to" })
    assert.same({ 1, "passwords" }, { #made.left_out, made.left_out[1].target })
    sh("! grep -rq sesame %s/to", dir)
  end)

  it_("is saved encrypted with it if it may be in the clear", function()
    local made, done, password = through({ encrypt = dir .. "/passphrase", unlock_time = 10, plain = true })
    assert.same({ {}, nil, "sesame!!" }, { made.left_out, done.dropped, password })
  end)
end)
