-- Open files as arguments of calls and as results: on a real guest, and through a libvirtd.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Open files", function()
  local machine = helper.machine({ edit = function(domain)
    domain.devices:append(guestlua.element("<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>"))
    domain.devices:append(guestlua.element("<video><model type='vga'/></video>"))
  end })
  helper.leaves_nothing()

  it("are a display's socket", function()
    local socket <close> = machine.guest:open_graphics_fd(0, { skip_auth = true })
    assert.equal("file", io.type(socket))
    assert.equal("RFB 003.008\n", socket:read(12))
    assert.equal("bad_argument", helper.failure(machine.guest.open_graphics_fd, machine.guest, -1).kind)
    assert.equal("open_graphics_fd", helper.failure(machine.guest.open_graphics_fd, machine.guest, 7).op)
  end)

  it("are a disk's image, which QEMU needs no access to itself", function()
    local path = helper.scratch() .. "/lent.img" -- in a directory that QEMU's user cannot enter
    assert(os.execute("truncate -s 4M " .. path))
    local lent <close> = require("spec.support.tiny").boot({ launch = false, edit = function(domain)
      domain.devices:append(guestlua.element(("<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s' fdgroup='lent'/>"
        .. "<target dev='vdb' bus='virtio'/></disk>"):format(path)))
    end })
    do
      local file <close> = assert(io.open(path, "r+"))
      lent.guest:fd_associate("lent", { file })
    end -- the call has its own
    local events <close> = lent.guest:subscribe("agent_lifecycle")
    lent.guest:launch()
    lent:await_agent(events)
    lent:sh("echo lent | dd of=/dev/vdb conv=fsync")
    local file <close> = assert(io.open(path))
    assert.equal("lent", file:read(4))
  end)

  it("go to QEMU's monitor and come from it", function()
    local reply, files = machine.guest:qemu_monitor_command_with_files('{"execute":"query-status"}')
    assert.matches('"status":"running"', reply)
    assert.same({}, files)
    local file <close> = assert(io.open("/dev/null"))
    reply = machine.guest:qemu_monitor_command_with_files('{"execute":"add-fd","arguments":{"fdset-id":77}}', file)
    assert.matches('"fdset%-id":77', reply)
  end)

  it("have to be open files", function()
    local closed = assert(io.open("/dev/null"))
    closed:close()
    for given, message in pairs({ [closed] = "the file is closed", [{}] = "from 1 to 64 open files", [{ "x" }] = "open file expected, got string",
      [7] = "open file expected, got number" }) do
      local e = helper.failure(machine.guest.fd_associate, machine.guest, "x", given)
      assert.same({ "bad_argument", "files" }, { e.kind, e.argument })
      assert.matches(message, e.message, 1, true)
    end
    -- for containers, which QEMU's driver has not
    local file <close> = assert(io.open("/dev/null"))
    assert.equal("no_support", helper.failure(machine.guest.create_with_files, machine.guest, file).kind)
    assert.equal("no_support", helper.failure(machine.host.create_xml_with_files, machine.host, machine.guest:get_xml_desc(), file).kind)
    assert.equal("open_graphics", helper.failure(machine.guest.open_graphics, machine.guest, file, 7).op)
  end)
end)
