-- Backups with disks at NBD servers: nbdkit with its plugins, or qemu-nbd. A server has a disk as it is, without format, and one backup of it: the
-- next one is written over it, so each is a full one. The manifest, checksums and configuration are in a directory.

local bad = require("guestlua.base.define").bad
local core = require("guestlua.core")
local engine = require("guestlua.backup.engine")
local stores = require("guestlua.backup.store")

local server = {}

server.PARAM = { name = "manifest", type = "string", help = "a directory of this machine for all but the disks, if `to` is an NBD server" }

-- Whether the disks go to a server.
function server.is_one(to)
  return to:find("^nbds?://") ~= nil or to:find("^nbds?%+%a+://") ~= nil
end

local function check_uri(op, uri)
  for word in uri:gmatch("{(.-)}") do
    if word ~= "disk" and word ~= "guest" then
      bad(op, "to", ("{%s} stands for nothing; there are {disk} and {guest}"):format(word))
    end
  end
end

-- The directory of a backup with these options.
function server.directory(options)
  return options.manifest or options.to
end

function server.check(op, options)
  if not server.is_one(options.to) then
    if options.manifest then
      bad(op, "manifest", "it is for backups to NBD servers, and `to` is none")
    end
    return
  end
  check_uri(op, options.to)
  if not options.manifest or options.manifest:sub(1, 1) ~= "/" then
    bad(op, "manifest", "the absolute path of a directory for the manifest expected, as `to` is an NBD server")
  end
  for _, name in ipairs({ "encrypt", "compress", "keep" }) do
    if options[name] then
      bad(op, name, "an NBD server has one backup of a disk, as it is: " .. name .. " is for directories")
    end
  end
end

-- A name as part of a URI.
local function as_part(name)
  return (name:gsub("[^%w._~-]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

-- Gives the journal's entries of the disks their URIs.
function server.place(run, entries)
  local to = run.options.to
  if not server.is_one(to) then
    return
  elseif #entries > 1 and not to:find("{disk}", 1, true) then
    bad(run.workflow, "to", "{disk} expected in it, since the guest has more than one disk: they would be written over each other")
  end
  for _, entry in ipairs(entries) do
    entry.uri = to:gsub("{(.-)}", { disk = entry.target, guest = as_part(run.guest.name) })
    entry.image, entry.file = nil, nil
  end
end

local function has_any(manifest, uris)
  for _, disk in ipairs(manifest.disks) do
    if uris[disk.chain[1].uri or ""] then
      return true
    end
  end
  return false
end

-- Refuses servers with backups of other guests, as far as the directory knows.
local function check_others(run, uris)
  for _, store in ipairs(stores.below(run.options.manifest)) do
    for _, manifest in ipairs((store:manifests())) do
      if has_any(manifest, uris) and manifest.guest.uuid ~= run.guest.uuid then
        run:fail("conflict", { message = ("the server has a backup of the guest '%s', which would be written over"):format(manifest.guest.name),
          hint = "{guest} in `to` stands for the guest's name" })
      end
    end
  end
end

local function remove(store, manifest)
  local names = { manifest.id .. ".json" }
  for _, disk in ipairs(manifest.disks) do
    names[#names + 1] = disk.chain[1].sums
  end
  for _, file in ipairs(manifest.files) do
    names[#names + 1] = file.name
  end
  for _, name in ipairs(names) do
    core.remove_file(store:path(name))
  end
end

-- From now on the servers may be written to: what was there is a backup no more. If one is not there, is too small or read-only, nothing has changed.
function server.take_over(run, copies)
  local probes, uris = {}, {}
  for i, copy in ipairs(copies) do
    local entry = run.data.disks[i]
    if not entry.uri then
      return
    end
    probes[i] = { target = copy.target, errors = copy.errors, from = copy.from, to = copy.to, server = entry.uri, probe = true }
    uris[entry.uri] = true
  end
  check_others(run, uris)
  engine.copy(probes)
  for _, manifest in ipairs((run.store:manifests())) do
    if has_any(manifest, uris) then
      remove(run.store, manifest)
    end
  end
end

return server
