-- Images as files: makes them, checks that each is still the same file, finds its users, and removes it. No other module makes or removes an image.
--
--   local file = image.at(guest, path)                 { path, directory }: what journals keep
--   local file = image.beside(guest, base, id, "vda")  the same, with a unique name
--   image.make(guest, "vda", file, base)               exclusively; raises if the file exists. Adds dev and ino
--   local gone, why = image.remove(guest, file)        only if it was made here and nobody needs it: true, or false and why it stays
--
-- A file that this process cannot make, for example on another machine or in a directory of libvirt, gets no dev and ino: libvirt makes it. Nothing
-- proves later that it is the same file, so it is never removed, but reported.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local loops = require("guestlua.disk.loops")
local names = require("guestlua.disk.names")
local qcow2 = require("guestlua.disk.qcow2")
local try = require("guestlua.base.try")

local image = {}

local LONGEST_NAME = 255 -- NAME_MAX

-- How often a guest is asked for its images.
local ASKED = 3

-- Seconds for QEMU to close an image that its guest has just left.
local CLOSING = 3

local function fail(guest, target, fields)
  fields.guest, fields.device, fields.device_type = guest.name, target, "disk"
  error(core.Error.new(fields), 0)
end

-- Whether the guest's files are on this machine.
function image.is_local(guest)
  return guest.host.uri:find("^[%w+]+:///") ~= nil
end

-- The directory of a file; nil if it cannot be seen.
local function directory_of(path)
  local there = core.identify(path:match("^(.*/)"))
  return there and ("%d:%d"):format(there.dev, there.ino)
end

-- A file that is not made yet. directory: the directory that it will be made in, whatever is mounted there later.
function image.at(guest, path)
  local here = image.is_local(guest) and path:sub(1, 1) == "/"
  return { path = path, directory = here and directory_of(path) or nil }
end

-- A file that is there: the same, with what shows later that it still is the same file.
function image.known(guest, path)
  local file, now = image.at(guest, path), core.find_image(path)
  if now then
    file.dev, file.ino, file.born = now.dev, now.ino, now.born
  end
  return file
end

-- A new image beside another, which is not made yet: its name is unique by the run's id and the disk's target.
function image.beside(guest, beside, id, target)
  local directory, name = beside:match("^(.*/)([^/]*)$")
  local suffix = (".guestlua-%s-%s"):format(id, target)
  local stem = (name or beside):gsub("%.[^.]*$", "")
  local room = LONGEST_NAME - #suffix
  while #stem > room and room > 0 and (stem:byte(room + 1) & 0xc0) == 0x80 do -- libvirt takes no name that ends within a character
    room = room - 1
  end
  stem = stem:sub(1, room)
  local file = image.at(guest, (directory or "") .. stem .. suffix)
  file.unique = true
  return file
end

-- ---- made ----

-- The problem with a name given for an image's file; nil: none. A line feed comes back from libvirt's XML as a space. unseen: libvirt's XML does not
-- have the name.
function image.bad_name(path, unseen)
  for part in path:gmatch("[^/]+") do
    if #part > LONGEST_NAME then -- of which it could not be said later whether it is there
      return ("no name of a file has more than %d bytes"):format(LONGEST_NAME)
    end
  end
  return path:sub(1, 1) ~= "/" and "an absolute path expected" or path:find("%c") and "libvirt keeps no file names with control characters"
    or not unseen and not utf8.len(path) and "libvirt takes only names in UTF-8" or nil
end

local function there_already(guest, target, path)
  fail(guest, target, { kind = "operation_invalid", message = ("there is a file %s already"):format(path) })
end

-- Refuses an existing name, before anything is begun.
function image.check_new(guest, target, path)
  if image.is_local(guest) and path:sub(1, 1) == "/" and core.find_image(path) then
    there_already(guest, target, path)
  end
end

-- Makes the file, empty, for the owner of the image `like`. file: { path }; it gets dev and ino, or why this process could not make it.
function image.make(guest, target, file, like)
  if not image.is_local(guest) or file.path:sub(1, 1) ~= "/" then
    return
  elseif core.dry_run() then
    return calls.held("make_image", guest, { path = file.path })
  end
  local made, code, why = core.make_image(file.path, like)
  if code == "EEXIST" then
    there_already(guest, target, file.path)
  elseif made then
    file.dev, file.ino, file.born = made.dev, made.ino, made.born
    calls.did("make_image", guest, { path = file.path })
  else
    file.why = why
  end
end

-- Whether what core.find_image or core.identify says of a file now is of another one than the one that was looked at or made.
function image.is_another(now, file)
  return now.dev ~= file.dev or now.ino ~= file.ino or file.born ~= nil and now.born ~= file.born
end

-- Why a file may exist although its name is not found: its directory cannot be seen. nil: it does not exist.
function image.hidden(file)
  local now = file.directory and directory_of(file.path)
  if now ~= file.directory then
    return now and "its directory is not the one that it was made in: is something mounted there, or not any more?"
      or "the directory that it was made in is not there"
  end
end

-- The present file of that name if it is the one that was made; nil and the reason otherwise.
local function found(file)
  local now, code, why = core.find_image(file.path)
  if not now then
    return nil, code == "ENOENT" and (image.hidden(file) or "gone") or why
  elseif not file.ino and file.unique and now.size == 0 then -- the run ended right after it had made it
    return now
  elseif not file.ino then
    return nil, "guestlua did not make it" .. (file.why and ": " .. file.why or "")
  elseif image.is_another(now, file) then
    return nil, "it is another file than the one that was made"
  elseif not now.regular then
    return nil, "it is a link or a device, and stays with what it leads to"
  elseif file.sealed and now.written ~= file.sealed then
    return nil, "somebody has written to it since it was made"
  end
  return now
end

-- Raises if somebody has put another file in the place of one that was made, or removed it: called before anything writes to it by its name, and
-- before it is said to be there. One that libvirt made is not known.
function image.check_own(guest, target, file)
  local now, why = found(file)
  if file.ino and not now then
    fail(guest, target, { kind = "conflict", message = ("%s: %s"):format(file.path, why), hint = "it stays as it is: look who has put it there" })
  end
end

-- The file has all that its maker writes to it: what is written later is somebody else's, and it is removed no more.
function image.seal(file)
  local now = core.find_image(file.path)
  file.sealed = now and now.written
end

-- Called after libvirt has made an image of it. If the file is still empty, libvirt sees another file under that name, for example from a container:
-- ours is removed, and the other is libvirt's.
function image.confirm(file)
  local now = found(file)
  if now and now.size == 0 and core.remove_image(file.path, file.dev, file.ino) then
    file.dev, file.ino, file.born, file.why = nil, nil, nil, "libvirt does not see this machine's files"
  end
end

-- ---- needed ----

-- Whether a name leads to the file: true or false, or nil and why that is not known.
local function is_file(name, file)
  if name == file.path then
    return true
  end
  local there, code, why = core.identify(name)
  if there then
    return there.dev == file.dev and there.ino == file.ino
  elseif code == "ENOENT" then
    return false
  end
  return nil, ("%s: %s"):format(name, why)
end

-- Whether the file is in the chain that starts with the name: the reason why it is, or why that is not known; nil: it is not.
local function in_chain(name, file, seen)
  local format
  for _ = 1, 200 do
    if seen[name] then
      return nil
    end
    seen[name] = format ~= "raw" -- as which another may have it for an image with others below
    local same, unclear = is_file(name, file)
    if same or same == nil then
      return same and ("%s is in use"):format(file.path) or unclear
    end
    local there, below = core.identify(name), nil
    if there and there.readable and format ~= "raw" then
      local data, unknown = qcow2.data_file(name)
      if data and is_file(data, file) then
        return ("%s is in use"):format(file.path)
      end
      below, unclear, format = qcow2.based_on(name)
      unclear = unclear or unknown
    end
    if not below then
      return unclear
    end
    name = below
  end
  return name .. " has too long a chain"
end

-- Why a guest of the host needs the file; nil: none does.
local function needed_by_guests(host, file)
  local seen = {}
  for _, guest in ipairs(host:guests()) do
    local one <close> = guest
    local ok, named = try(names.of, one)
    for _ = 2, ASKED do
      if not ok then
        core.sleep(0.1)
        ok, named = try(names.of, one)
      end
    end
    if not ok then
      return ("guest '%s' could not be asked: %s"):format(one.name, named.message or tostring(named))
    end
    for name, is_image in pairs(named) do
      local why = is_image and in_chain(name, file, seen) or not is_image and is_file(name, file) and ("%s is in use"):format(file.path)
      if why then
        return ("guest '%s': %s"):format(one.name, why)
      end
    end
  end
end

-- Why a file in the same directory needs it, for example an image that no guest has at the moment; nil: none does. certain: what is not known does
-- not count.
local function needed_beside(host, file, certain)
  local directory = file.path:match("^(.*)/[^/]*$")
  local ok, list = pcall(core.list_directory, directory ~= "" and directory or "/")
  if not ok then
    return not certain and "its directory cannot be read: " .. list.message or nil
  end
  for _, name in ipairs(list) do
    local path = directory .. "/" .. name
    local there = path ~= file.path and core.identify(path)
    local below, unclear, data
    if there and there.regular then
      below, unclear = qcow2.based_on(path)
      data = qcow2.data_file(path)
    end
    local needs = below and is_file(below, file)
    needs = data and is_file(data, file) or needs
    if (needs or not certain and (unclear or below and needs == nil)) and not names.is_raw(host, there) then
      return unclear and ("%s may be based on it: %s"):format(path, unclear) or ("%s is based on it"):format(path)
    end
  end
end

-- Why the file is needed by a QEMU program that has it open, by a loop device, or by a guest; nil: by none.
function image.used(host, file)
  local deadline = core.now() + CLOSING
  local open, what, unclear = core.image_lock(file.path)
  while open and core.now() < deadline do
    core.sleep(0.02)
    open, what, unclear = core.image_lock(file.path)
  end
  if open ~= false then
    return open and (what or "a QEMU program has it open") or "its locks cannot be read: " .. tostring(unclear)
  end
  return loops.of(file) or needed_by_guests(host, file)
end

-- Why the file is needed, or may be; nil: nobody needs it.
function image.needed(host, file)
  return image.used(host, file) or needed_beside(host, file)
end

-- Refuses an image that is to be put on top of another but names a third one as its backing file, or none: the guest would have the contents of that
-- one, or nothing, when it starts again. What is not there, or cannot be read, is left to libvirt.
function image.check_based_on(guest, target, path, base)
  local there = image.is_local(guest) and path:sub(1, 1) == "/" and core.identify(path)
  if not there or not there.readable then
    return
  end
  local below, why = qcow2.based_on(path)
  local it, wanted = below and core.identify(below), core.identify(base)
  if not below and not why or it and wanted and (it.dev ~= wanted.dev or it.ino ~= wanted.ino) then
    fail(guest, target, { kind = "operation_invalid",
      message = ("%s is based on %s, and not on the disk's image %s"):format(path, below or "nothing", base) })
  end
end

-- Refuses an image that is to be written to, or to become a disk's, if a program, a loop device or a guest has it. One that is on another machine, or
-- is not there, is left to libvirt. contents: whether it is also refused if another image in its directory needs what is in it, as far as that is
-- certain.
function image.check_unused(guest, target, path, contents)
  local there = image.is_local(guest) and path:sub(1, 1) == "/" and core.identify(path)
  local file = there and there.readable and { path = core.real_path(path) or path, dev = there.dev, ino = there.ino }
  local why = file and (image.used(guest.host, file) or contents and needed_beside(guest.host, file, true))
  if why then
    fail(guest, target, { kind = "operation_invalid", message = ("%s is somebody else's: %s"):format(path, why),
      hint = "detach it there, or name another" })
  end
end

-- ---- removed ----

-- Removes a file that was made here and that nobody needs now. True if it is gone; or false and why it stays.
function image.remove(guest, file)
  if not image.is_local(guest) then
    return false, "it is on another machine"
  elseif core.dry_run() then
    calls.held("remove_image", guest, { path = file.path })
    return true
  end
  local now, why = found(file)
  if not now then
    return why == "gone", why
  end
  why = image.needed(guest.host, file)
  if why then
    return false, why
  end
  local removed, code, message = core.remove_image(file.path, now.dev, now.ino)
  if removed then
    calls.did("remove_image", guest, { path = file.path })
  end
  return removed or code == "ENOENT", message
end

-- Removes a file known by its name alone, for example in a locked directory, if nobody needs it now. True if it is gone; or false and why it
-- stays.
function image.discard(host, path)
  local now, code, message = core.find_image(path)
  if not now then
    return code == "ENOENT", message
  end
  local why = image.needed(host, { path = path, dev = now.dev, ino = now.ino })
  if why then
    return false, why
  end
  local removed, why_not, text = core.remove_image(path, now.dev, now.ino)
  if removed then
    calls.did("remove_image", { host = host }, { path = path })
  end
  return removed or why_not == "ENOENT", text
end

-- Puts a finished image in which a guest sees the same into the place of another, at one moment, if no guest and no QEMU program needs the other.
-- Those that are based on it go by its name. True; or false and why it stays.
function image.replace(host, path, file)
  local now, code, message = core.find_image(path)
  if not now then
    return false, code == "ENOENT" and "it is gone" or message
  end
  local why = image.used(host, { path = path, dev = now.dev, ino = now.ino })
  if why then
    return false, why
  end
  local own, why_other = found(file)
  if not own then
    return false, ("%s: %s"):format(file.path, why_other)
  end
  core.sync_file(file.path)
  local renamed, why_not = os.rename(file.path, path)
  if renamed then
    core.sync_file(path)
    calls.did("replace_image", { host = host }, { path = path, by = file.path })
  end
  return renamed or false, why_not
end

-- Whether nothing was ever written to it, or it does not exist.
function image.is_untouched(file)
  local now, why = found(file)
  return now and now.size == 0 or why == "gone"
end

return image
