-- What the header of a qcow2 says, read without a lock: QEMU changes it rarely.

local core = require("guestlua.core")
local json_for = require("guestlua.base.json")

local qcow2 = {}

-- Opens an image; nil and the reason if it cannot be read, and nil alone if there is none. A pipe, which somebody may have put in an image's place,
-- would be waited for.
local function open(path)
  local there, code, why = core.identify(path)
  if not there or not there.readable then
    return nil, not there and code ~= "ENOENT" and why or nil
  end
  return io.open(path, "rb")
end

-- Adds the files that a description has, at any depth: {"file": {"filename": …}} is also written as {"file.filename": …}.
local function add_files(found, description)
  for key, value in pairs(description) do
    if type(value) == "table" then
      add_files(found, value)
    elseif type(value) == "string" and tostring(key):find("%f[^%z.]filename$") then
      found[#found + 1] = value
    end
  end
  return found
end

-- The file that QEMU's JSON for an image names; the text itself if that is no file, such as an NBD export; nil and the reason if it is not known.
local function named_in(text)
  local ok, description = pcall(function()
    return json_for("image_users", "the name of an image in JSON").decode(text:sub(#"json:" + 1))
  end)
  if not ok then
    return nil, description.message
  elseif type(description) ~= "table" then
    return nil, "it names what it is based on in JSON that cannot be read"
  end
  local files = add_files({}, description)
  if #files > 1 then
    return nil, "it names several files that it is based on"
  end
  return files[1] or text
end

-- The backing file named in a qcow2: nil if there is none or it is no qcow2; nil and the reason if that cannot be read.
function qcow2.based_on(path)
  local file <close>, unclear = open(path)
  if not file then
    return nil, unclear
  end
  local header = file:read(64) or ""
  if #header < 20 or header:sub(1, 4) ~= "QFI\xfb" then
    return nil
  end
  local offset, size = string.unpack(">I8I4", header, 9)
  if offset == 0 or size == 0 then
    return nil
  elseif size > 1023 or not file:seek("set", offset) then
    return nil, "its header is damaged"
  end
  local name, why = file:read(size) or "", nil
  if name:find("^json:") then
    name, why = named_in(name)
  end
  if not name then
    return nil, why
  end
  name = name:gsub("^file:", "")
  return name:sub(1, 1) == "/" and name or (path:match("^.*/") or "") .. name
end

-- The number of snapshots inside a qcow2; nil if that cannot be read.
function qcow2.internal_snapshots(path)
  local file <close> = open(path)
  local header = file and file:read(64) or ""
  if #header < 64 or header:sub(1, 4) ~= "QFI\xfb" then
    return nil
  end
  return (string.unpack(">I4", header, 61))
end

return qcow2
