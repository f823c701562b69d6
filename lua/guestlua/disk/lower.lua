-- Images below others, which are known by their names: whether each still is the file that was looked at. QEMU opens one anew, by its name, before it
-- writes to it.

local core = require("guestlua.core")
local image = require("guestlua.disk.image")

local lower = {}

-- What shows later that the image still is the same file, as journals keep it; the path alone if it cannot be seen from here.
function lower.known(guest, path)
  local now = image.is_local(guest) and path:sub(1, 1) == "/" and core.identify(path)
  local file = image.at(guest, path)
  if now then
    file.dev, file.ino, file.born = now.dev, now.ino, now.born
  end
  return file
end

-- Why it is not that file any more; nil: it is, or that is not known.
function lower.problem(file)
  local now, code, why = core.identify(file.path)
  if not file.ino or not now and image.hidden(file) then -- libvirt may see it still
    return nil
  elseif not now then
    return code == "ENOENT" and file.path .. " is gone" or ("%s: %s"):format(file.path, why)
  elseif image.is_another(now, file) then
    return file.path .. " is another file by now"
  end
end

return lower
