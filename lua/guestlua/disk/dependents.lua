-- Who needs an image below others, before it is written to: the images that are on top of it, and the guests that have it.

local core = require("guestlua.core")
local names = require("guestlua.disk.names")
local qcow2 = require("guestlua.disk.qcow2")
local try = require("guestlua.base.try")

local dependents = {}

local MOST_LAYERS = 200

-- Whether two names lead to one file. A name that leads nowhere is only the same as itself.
function dependents.same(path, other)
  local one, two = core.identify(path), path ~= other and core.identify(other)
  return path == other or one ~= nil and two and one.dev == two.dev and one.ino == two.ino or false
end

-- The place of an image in a list of names, or nil.
function dependents.index_of(images, path)
  for i, name in ipairs(images) do
    if dependents.same(name, path) then
      return i
    end
  end
end

local function unreadable(path, why)
  error(core.Error.new({ kind = "access_denied", message = ("%s: what it is based on cannot be read: %s"):format(path, why) }), 0)
end

-- The images from the named one down to the last, as their headers say.
function dependents.chain(path)
  local images = {}
  while path do
    if #images == MOST_LAYERS then
      error(core.Error.new({ kind = "operation_invalid", message = ("%s has too long a chain"):format(images[1]) }), 0)
    end
    images[#images + 1] = path
    local below, why, format = qcow2.based_on(path)
    if why then
      unreadable(path, why)
    elseif format == "raw" then -- what is in it is no image, however it looks
      images[#images + 1] = below
      return images
    end
    path = below
  end
  return images
end

-- Whether the chain that begins with that name has the image; and the image right on top of it in there, nil if the name is its own.
local function in_chain(name, path)
  local above
  for _, layer in ipairs(dependents.chain(name)) do
    if dependents.same(layer, path) then
      return true, above
    end
    above = layer
  end
  return false
end

-- Adds what other guests have.
local function add_guests(found, guest, path)
  for _, other in ipairs(guest.host:guests()) do
    local one <close> = other
    for name, is_image in pairs(one.uuid ~= guest.uuid and names.of(one) or {}) do
      if is_image and in_chain(name, path) or not is_image and dependents.same(name, path) then
        found[#found + 1] = { who = ("guest '%s'"):format(one.name) }
        break
      end
    end
  end
end

-- Adds the files of a directory that are based on it.
local function add_beside(found, host, directory, path)
  for _, name in ipairs(core.list_directory(directory)) do
    local file = directory .. name
    local there = core.identify(file)
    local below, why = nil, nil
    if there and there.regular then
      below, why = qcow2.based_on(file)
    end
    local needs = why or below and dependents.same(below, path)
    if needs and names.is_raw(host, there) then
      needs = false
    elseif why then
      unreadable(file, why)
    end
    found[#found + 1] = needs and { image = file, who = file } or nil
  end
end

-- The other guests that need the image: a list of { who = }.
function dependents.of_guests(guest, path)
  local found = {}
  add_guests(found, guest, path)
  return found
end

-- Who needs the image: a list of { who =, image = the image on top of it, nil if the image itself }. own: what the guest itself has on top, a table
-- from the name of an image to { who =, itself = whether this one does not count if it is the image }. It raises if that cannot be known.
function dependents.of(guest, path, own)
  local found, directories = {}, { [path:match("^.*/")] = true }
  add_guests(found, guest, path)
  for name, owner in pairs(own) do
    local has, above = in_chain(name, path)
    if has and (above or not owner.itself) then
      found[#found + 1] = { who = owner.who, image = above }
    end
    directories[name:match("^.*/") or "/"] = true
  end
  for directory in pairs(directories) do
    if core.identify(directory) then
      add_beside(found, guest.host, directory, path)
    end
  end
  return found
end

-- What the function gives; nil if that cannot be known.
local function attempt(fn, ...)
  local ok, result = try(fn, ...)
  return ok and result or nil
end

local function add_on_top(found, name, path, who)
  local _, above = in_chain(name, path)
  found[#found + 1] = above and { image = above, who = who } or nil
end

-- The images that are right on top of it, other guests' and those in its directory, as far as that can be known: a list of { image =, who = }.
function dependents.on_top(guest, path)
  local found = {}
  for _, other in ipairs(guest.host:guests()) do
    local one <close> = other
    for name, is_image in pairs(one.uuid ~= guest.uuid and attempt(names.of, one) or {}) do
      if is_image then
        attempt(add_on_top, found, name, path, ("guest '%s'"):format(one.name))
      end
    end
  end
  attempt(add_beside, found, guest.host, path:match("^.*/"), path)
  return found
end

return dependents
