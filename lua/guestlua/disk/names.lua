-- The files that a guest needs, by the names that its descriptions have for them: running, configured, of its saved memory, and of its snapshots and
-- checkpoints.

local core = require("guestlua.core")
local images = require("guestlua.guest.image")
local try = require("guestlua.base.try")

local names = { of_volume = images.of_volume }

-- Parts of a description that name no file that anybody needs.
local SILENT = { metadata = true, title = true, description = true, emulator = true }

-- Adds the paths in a text: it is one, or has some, as arguments of QEMU do ("file=/a,format=raw", with each comma of a name doubled, and JSON).
local function add_paths(found, text)
  if text:sub(1, 1) == "/" then
    found[text] = found[text] or false
    return
  end
  for path in text:gsub(",,", "\0"):gmatch("[=:\"](/[^,\"]*)") do
    path = path:gsub("%z", ",")
    found[path] = found[path] or false
  end
end

-- The elements of a disk that have an image's <source>, and of what format that is.
local LAYERS = { disk = true, backingStore = true, mirror = true }

-- Whether an element's image is raw: what is in it is the guest's, and names no other image, however it looks.
local function is_raw(layer)
  local format = layer.driver or layer.format
  return format ~= nil and format.type == "raw"
end

-- Adds what an element and those in it name. is_image: they are a disk's, and not raw.
local function add(found, host, element, is_image)
  local tag = element:tag()
  if SILENT[tag] then
    return
  elseif LAYERS[tag] then
    is_image = not is_raw(element)
  end
  is_image = is_image or tag == "memory" -- a snapshot may have the memory in a file
  for key, value in pairs(element:attributes()) do
    if is_image and value:sub(1, 1) == "/" and (key == "file" or key == "dev" or key == "name") then
      found[value] = true
    else
      add_paths(found, value)
    end
  end
  if tag == "source" and element:attribute("pool") and element:attribute("volume") then
    local path = names.of_volume(host, element)
    if path then
      found[path] = found[path] or is_image or false
    end
  end
  local children = element:children()
  if not children[1] then
    add_paths(found, element[1])
  end
  for _, child in ipairs(children) do
    add(found, host, child, is_image)
  end
end

-- The description in the memory that libvirt has saved of a guest that is off, which goes on with the disks of then; nil: there is none.
local function saved(guest)
  local ok, has = pcall(guest.domain.has_managed_save_image, guest.domain)
  if not ok and not core.Error.is(has, "no_support") then
    error(has, 0)
  end
  return ok and has and guest.domain:managed_save_get_xml_desc() or nil
end

local function of(guest)
  local found, text = {}, guest:get_xml_desc()
  local is_active = core.element(text).id ~= nil
  local descriptions = guest:get_snapshot_descriptions()
  table.insert(descriptions, text)
  table.insert(descriptions, is_active and guest:get_xml_desc({ dump_inactive = true }) or saved(guest)) -- of one that is off it was the first
  for _, description in ipairs(descriptions) do
    add(found, guest.host, core.element(description))
  end
  return found
end

-- A table from each name to whether it is that of a disk's image, which may be based on others. Others, such as that of a raw disk, or of UEFI
-- variables, are files. A guest that has gone meanwhile needs nothing.
function names.of(guest)
  local ok, found = pcall(of, guest)
  if not ok and not core.Error.is(found, "no_domain") then
    error(found, 0)
  end
  return ok and found or {}
end

-- The same of all guests of a host.
function names.of_all(host)
  local found = {}
  for _, guest in ipairs(host:guests()) do
    local one <close> = guest
    for name, is_image in pairs(names.of(one)) do
      found[name] = found[name] or is_image
    end
  end
  return found
end

local function lists_as_raw(host, file)
  local some = false
  for name, is_image in pairs(names.of_all(host)) do
    local there = core.identify(name)
    if there and there.dev == file.dev and there.ino == file.ino then
      if is_image then
        return false
      end
      some = true
    end
  end
  return some
end

-- Whether guests of the host have the file, of { dev, ino }, and none as an image that may be based on others: what looks like that in it is theirs.
function names.is_raw(host, file)
  local ok, raw = try(lists_as_raw, host, file)
  return ok and raw
end

return names
