-- Which guests need an image, for scripts that remove images: host:image_users.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local dependents = require("guestlua.disk.dependents")
local image = require("guestlua.disk.image")
local names = require("guestlua.disk.names")
local qcow2 = require("guestlua.disk.qcow2")

-- A file's identity, so that a link or another name of it is the same; a name that leads nowhere is its own.
local function key_of(path)
  local there = core.identify(path)
  return there and ("%d:%d"):format(there.dev, there.ino) or path
end

-- The images from the named one down to the last, and the files in which some of them keep their data.
local function files_of(name)
  local files = dependents.chain(name)
  for i = 1, #files do
    files[#files + 1] = qcow2.data_file(files[i])
  end
  return files
end

-- Adds the guest to the users of each image that it names, and of all that these are based on.
local function add_guest(users, guest)
  local seen = {}
  for name, is_image in pairs(names.of(guest)) do
    for _, path in ipairs(is_image and files_of(name) or { name }) do
      local key = key_of(path)
      if users[key] and not seen[key] then
        seen[key] = true
        table.insert(users[key], guest.name)
      end
    end
  end
end

define(core.Host, "Host", {
  name = "image_users",
  method = true,
  help = "Which guests need these images: they have them as a disk, below one, or in a snapshot. Only the guests of this host count. It reads "
    .. "what the images are based on, so it runs on the host itself, and raises an error if an image cannot be read.",
  result = "table",
  returns = "a table: for each path a list of the names of guests, empty if no guest needs it",
  params = {
    { name = "paths", type = "list of strings", positional = true, required = true, help = "a list of the images' absolute paths" },
  },
  blocks = true,
  run = function(host, paths)
    if not image.is_local({ host = host }) then
      error(core.Error.new({ kind = "argument_unsupported", op = "image_users", host = host.uri,
        message = "the host is another machine: its images cannot be read from here", hint = "run guestlua there" }), 0)
    end
    local users, result = {}, {}
    for _, path in ipairs(paths) do
      if path:sub(1, 1) ~= "/" then
        define.bad("image_users", "paths", "a list of absolute paths expected")
      end
      local key = key_of(path)
      users[key] = users[key] or {}
      result[path] = users[key]
    end
    for _, one in ipairs(host:guests()) do
      local guest <close> = one
      add_guest(users, guest)
    end
    for _, list in pairs(users) do
      table.sort(list)
    end
    return result
  end,
})
