-- The image that a disk's <source> names, as one text, in whichever way it is written.

local core = require("guestlua.core")
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

-- The path of a volume in a pool, which is in no XML; nil: there is none. source: an element with both their names. libvirt knows no volume of a pool
-- that is not active, or that came since it was refreshed last; in one of files, it is in the pool's directory under its name.
function image.of_volume(host, source)
  local pool <close> = host:pool(source:attribute("pool"))
  local volume <close> = pool and pool:is_active() and pool:volume(source:attribute("volume")) or nil
  if volume or not pool then
    return volume and volume:get_path()
  end
  local target = core.element(pool:get_xml_desc()).target
  local path = target and target.path and target.path[1]
  return path and ("%s/%s"):format(path, source:attribute("volume"))
end

-- The image of one layer: the disk itself, or a <backingStore>. nil: it has none, like an empty CD-ROM. host: a volume is named by its path.
local function of(layer, host)
  local source, kind = layer:child("source"), layer:attribute("type") or "file"
  if not source then
    return nil
  elseif kind == "network" then
    return "network " .. network(source)
  elseif kind == "volume" then
    local path = host and source:attribute("pool") and source:attribute("volume") and image.of_volume(host, source)
    return path and values.path(path) or ("volume %s %s"):format(source:attribute("pool") or "", source:attribute("volume") or "")
  elseif kind == "nvme" then
    local address = source:child("address")
    return ("nvme %s %s"):format(address and image.pci(address) or "", values.number(source:attribute("namespace")) or "")
  end
  local path = source:attribute("file") or source:attribute("dev") or source:attribute("dir") or source:attribute("path")
  return path and values.path(path) or nil
end

-- Whether the disk is on the image now, or was before a snapshot put another one on top.
local function has(disk, wanted, host)
  local layer = disk
  while layer do
    if of(layer, host) == wanted then
      return true
    end
    layer = layer:child("backingStore")
  end
  return false
end

local function has_volume(disk)
  local layer = disk
  while layer and layer:attribute("type") ~= "volume" do
    layer = layer:child("backingStore")
  end
  return layer ~= nil
end

local function same(wanted, other, host)
  local mine, theirs = of(wanted, host), of(other, host)
  if not mine then
    return nil
  end
  return theirs ~= nil and (mine == theirs or has(other, mine, host) or has(wanted, theirs, host))
end

-- Whether two disks are on the same image; nil if that is not known. One may name a volume of a pool, and the other its path, which only the host
-- knows: without one it is not known.
function image.same(wanted, other, host)
  local result = same(wanted, other)
  if result ~= false or not has_volume(wanted) and not has_volume(other) then
    return result
  elseif host then
    return same(wanted, other, host)
  end
  if has_volume(wanted) and has_volume(other) then
    return false
  end
  return nil
end

image.of = of

return image
