-- The image that a disk's <source> names, as one text, in whichever way it is written.

local values = require("guestlua.guest.values")

local image = {}

-- Added by libvirt when the guest starts.
local PORTS = {
  nbd = 10809, http = 80, https = 443, ftp = 21, ftps = 990, tftp = 69, iscsi = 3260, sheepdog = 7000, ssh = 22, gluster = 24007, nfs = 2049,
}

local function network(source)
  local protocol, name = source:attribute("protocol") or "", source:attribute("name") or ""
  if protocol == "iscsi" and name ~= "" and not name:find("/", 1, true) then
    name = name .. "/0"
  end
  local hosts = {}
  for i, host in ipairs(source:children("host")) do
    local socket = host:attribute("socket")
    hosts[i] = socket and "unix:" .. values.path(socket)
      or ("%s:%s"):format((host:attribute("name") or ""):lower(), values.number(host:attribute("port")) or PORTS[protocol] or "")
  end
  table.sort(hosts)
  return ("%s %s %s %s"):format(protocol, name, source:attribute("query") or "", table.concat(hosts, " "))
end

function image.pci(address)
  local words = {}
  for i, part in ipairs({ "domain", "bus", "slot", "function" }) do
    local text = address:attribute(part)
    words[i] = text and values.number(text) or not text and 0 or nil
    if not words[i] then
      return nil -- no number
    end
  end
  return ("%04x:%02x:%02x.%x"):format(table.unpack(words))
end

-- The image of one layer: the disk itself, or a <backingStore>. nil: it has none, like an empty CD-ROM.
local function of(layer)
  local source, kind = layer:child("source"), layer:attribute("type") or "file"
  if not source then
    return nil
  elseif kind == "network" then
    return "network " .. network(source)
  elseif kind == "volume" then
    return ("volume %s %s"):format(source:attribute("pool") or "", source:attribute("volume") or "")
  elseif kind == "nvme" then
    local address = source:child("address")
    return ("nvme %s %s"):format(address and image.pci(address) or "", values.number(source:attribute("namespace")) or "")
  end
  local path = source:attribute("file") or source:attribute("dev") or source:attribute("dir") or source:attribute("path")
  return path and values.path(path) or nil
end

-- Whether the disk is on the image now, or was before a snapshot put another one on top.
local function has(disk, wanted)
  local layer = disk
  while layer do
    if of(layer) == wanted then
      return true
    end
    layer = layer:child("backingStore")
  end
  return false
end

-- Whether two disks are on the same image: nil if that is not known: of a disk in a pool only libvirt knows.
function image.same(wanted, other)
  local mine, theirs = of(wanted), of(other)
  if not mine or mine == theirs then
    return mine and true or nil
  elseif not theirs then
    return false
  elseif mine:find("^volume ") ~= theirs:find("^volume ") then
    return nil
  end
  return has(other, mine) or has(wanted, theirs)
end

image.of = of

return image
