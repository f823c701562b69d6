-- What the header of a qcow2 says, read without a lock: QEMU changes it rarely.

local core = require("guestlua.core")
local json_for = require("guestlua.base.json")
local try = require("guestlua.base.try")

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
  local ok, description = try(function()
    return json_for("image_users", "the name of an image in JSON").decode(text:sub(#"json:" + 1))
  end)
  if not ok then
    return nil, core.Error.is(description) and description.message or tostring(description)
  elseif type(description) ~= "table" then
    return nil, "it names what it is based on in JSON that cannot be read"
  end
  local files = add_files({}, description)
  if #files > 1 then
    return nil, "it names several files that it is based on"
  end
  return files[1] or text
end

local HEADER, LONGEST_NAME, MOST_EXTENSIONS = 104, 1023, 32 -- bytes; the header of version 2 has 72
local FORMAT, DATA = 0xE2792ACA, 0x44415441 -- types of header extensions: the backing file's format, the file that has the data

-- The file of a qcow2, and the beginning of its header; nil if it is none; nil and the reason if that cannot be read.
local function read_header(path)
  local file, unclear = open(path)
  local header = file and file:read(HEADER) or ""
  if #header < 20 or header:sub(1, 4) ~= "QFI\xfb" then
    if file then
      file:close()
    end
    return nil, unclear
  end
  return file, header
end

-- The content of a header's extension of that type; nil: there is none.
local function extension(file, header, wanted)
  local version, at = string.unpack(">I4", header, 5), 72
  if version > 2 then
    at = #header == HEADER and string.unpack(">I4", header, 101) or HEADER
  end
  for _ = 1, MOST_EXTENSIONS do
    local head = file:seek("set", at) and file:read(8) or ""
    local kind, size = 0, 0
    if #head == 8 then
      kind, size = string.unpack(">I4I4", head)
    end
    if kind == 0 or size > LONGEST_NAME or kind == wanted then
      return kind ~= 0 and size <= LONGEST_NAME and file:read(size) or nil
    end
    at = at + 8 + (size + 7) // 8 * 8
  end
end

-- The path of a file that the image of that path names; nil and the reason if it is not known.
local function resolved(path, name)
  local why
  if name:find("^json:") then
    name, why = named_in(name)
  end
  if not name then
    return nil, why
  end
  name = name:gsub("^file:", "")
  return name:sub(1, 1) == "/" and name or (path:match("^.*/") or "") .. name
end

-- The backing file named in a qcow2: nil if there is none or it is no qcow2; nil and the reason if that cannot be read; and then its format, nil if
-- the image does not say that.
function qcow2.based_on(path)
  local file <close>, header = read_header(path)
  if not file then
    return nil, header
  end
  local offset, size = string.unpack(">I8I4", header, 9)
  if offset == 0 or size == 0 then
    return nil
  elseif size > LONGEST_NAME or not file:seek("set", offset) then
    return nil, "its header is damaged"
  end
  local name, why = resolved(path, file:read(size) or "")
  return name, why, extension(file, header, FORMAT)
end

-- The file in which a qcow2 keeps its data (qemu-img create -o data_file=…); nil: in itself; nil and the reason if that is not known.
function qcow2.data_file(path)
  local file <close>, header = read_header(path)
  local name = file and extension(file, header, DATA)
  if not name then
    return nil, not file and header or nil
  end
  return resolved(path, name)
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
