-- Hosts that Ansible reaches by SSH, on this machine: see ssh-hosts.
--
--   local hosts <close> = ssh_hosts.up({ "a", "b" })   nil and the reason if this machine cannot have them
--   hosts.dir                            a directory that all see
--   hosts.hub                            a prefix of commands: they run where all hosts are reached
--   hosts.ssh                            options of ssh
--   hosts:open(name)                     a Host, from here
--   hosts:boot(name, guest, edit)        a tiny guest on one of them, that has booted; hosts:define does not start it, and knows its UUID after a
--                                        power cut
--   hosts:run("kill", name)              what ssh-hosts does; its output

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local ssh_hosts = {}

local Hosts = {}
Hosts.__index = Hosts

local function checked(code, out, err)
  if code ~= 0 then
    error(err, 0)
  end
  return (out:gsub("\n$", ""))
end

function Hosts:run(what, ...)
  return checked(guestlua.run("spec/support/ssh-hosts", { args = { what, self.dir, ... }, env = { GUESTLUA = self.guestlua }, timeout = 120 }))
end

function Hosts:open(name)
  return guestlua.open(("qemu+unix:///system?socket=%s/%s/libvirt-sock"):format(self.dir, name))
end

local function define(self, host, guest, edit)
  local images = ("%s/images/%s"):format(self.dir, guest)
  checked(helper.run(("sh -c 'mkdir -p %s && cp -n build/tiny/* %s'"):format(images, images)))
  local domain = tiny.configuration(guest, images)
  domain.uuid = self.uuids[guest] and { self.uuids[guest] }
  if edit then
    edit(domain)
  end
  local machine = { name = guest, host = host, guest = guestlua.Guest.create(domain, host), dir = images }
  self.uuids[guest] = machine.guest.uuid
  return machine, domain
end

function Hosts:define(name, guest, edit)
  local host <close> = self:open(name)
  define(self, host, guest, edit).guest:close()
end

function Hosts:boot(name, guest, edit)
  local host <close> = self:open(name)
  local machine, domain = define(self, host, guest, edit)
  tiny.start(machine, domain)
  machine.guest:close()
end

function Hosts:__close()
  self:run("down")
end

function ssh_hosts.up(names, program)
  local self = setmetatable({ dir = helper.scratch(), guestlua = program, uuids = {} }, Hosts)
  os.remove(self.dir)
  self.hub = ("spec/support/ssh-hosts in %s hub "):format(self.dir)
  self.ssh = ("-F none -i %s/key -o ControlMaster=no -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "
    .. "-o ConnectTimeout=5 -o ServerAliveInterval=1 -o ServerAliveCountMax=3"):format(self.dir)
  local code, _, err = helper.run(("env GUESTLUA=%s spec/support/ssh-hosts up %s $PPID %s"):format(helper.quoted(program), self.dir,
    table.concat(names, " ")))
  if code == 77 then
    return nil, err
  elseif code ~= 0 then
    error(err, 0)
  end
  return self
end

return ssh_hosts
