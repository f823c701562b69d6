-- guestlua spec/support/lines.lua TITLE DIRECTORY [dry]: runs each example of a section of lua/guestlua/prompt/lines.lua on a fresh test driver, or
-- in a dry run, and writes a line for each: what came of it, a tab, and its first line. What it makes or sets is gone with this process.

local guestlua = require("guestlua")
local lines = require("guestlua.prompt.lines")
local virsh = require("spec.support.virsh")

local title, directory, dry = ...

-- What this machine has under another name, and how long there is to wait.
local REPLACE = {
  { "pci_0000_00_1f_0", "computer" }, { "mdev_4b20d080_1b54_4048_85b3_a6a62d165c01", "computer" },
  { "/etc/guestlua/", directory .. "/" }, { "/var/tmp/w", directory .. "/w" }, { "/var/tmp/embed", directory .. "/embed" },
  { "/var/tmp/journal", directory .. "/journal" }, { "/var/tmp/setup", directory .. "/hosts" },
  { "qemu+ssh://node1/system", "test:///default" }, { "qemu+ssh://node2/system", "test:///default" },
  { "duration = 60", "duration = 1" }, { "timeout = 3600", "timeout = 1" },
  { "timeout = 60", title == "Events of devices" and "timeout = 1" or "timeout = 60" }, -- there will be none
}
local CDROM = "<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>"

-- Goes on until the example has seen an event of each kind.
local function keep_changing(host, guest, pool)
  local network = host:network("default")
  while true do
    guest:poweroff()
    guest:launch()
    network:destroy()
    network:create()
    pool:refresh()
    pool:destroy()
    pool:create()
    guestlua.sleep(0.05)
  end
end

local function run(section, text, host, guest, pool)
  local group <close> = guestlua.group()
  if text:find(":events%(") or text:find(":wait_event") then
    group:spawn(keep_changing, host, guest, pool)
  end
  local named = title:find("^Network") and host:network("default") or title == "Storage" and pool or guest
  virsh.run({ preamble = section[2] }, text, host, REPLACE, {
    uuid = named.uuid, xml = text:find("attached%(") and CDROM or virsh.GUEST:format("web2"), socket = io.tmpfile(), print = function() end,
    open = function(uri) return uri and uri:find("^qemu:///embed") and guestlua.open(uri) or host end,
  })
end

-- The driver forgets what it had if no connection is left; they are closed in the background.
local function fresh(with_checkpoint)
  collectgarbage()
  collectgarbage()
  local deadline = guestlua.now() + 60
  while guestlua.alive().ops + guestlua.alive().hosts > 0 and guestlua.now() < deadline do
    guestlua.sleep(0.01)
  end
  return virsh.world(with_checkpoint)
end

local function report(section, host, guest, pool, text)
  local ok, e = pcall(guestlua.timeout, 30, run, section, text, host, guest, pool)
  io.stdout:write(("%s\t%s\n"):format(ok and "ok" or type(e) == "table" and e.kind or e, text:match("[^\n]+")))
end

for _, section in ipairs(lines) do
  if section[1] == title and dry then
    local host <close>, guest, pool = fresh(title:find("^Checkpoint"))
    guestlua.dry_run(true)
    guestlua.log.configure({ level = "error" })
    for i = 3, #section do
      report(section, host, guest, pool, section[i])
    end
  elseif section[1] == title then
    for i = 3, #section do
      local host <close>, guest, pool = fresh(false)
      report(section, host, guest, pool, section[i])
    end
  end
end
