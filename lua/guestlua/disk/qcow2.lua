-- What the header of a qcow2 says, read without a lock: QEMU changes it rarely.

local qcow2 = {}

-- The backing file named in a qcow2: nil if there is none or it is no qcow2; nil and the reason if that cannot be read.
function qcow2.based_on(path)
  local file, why, code = io.open(path, "rb")
  if not file then
    return nil, code ~= 2 and why or nil -- ENOENT: nothing to be based on anything
  end
  local head <close> = file
  local header = head:read(64) or ""
  if #header < 20 or header:sub(1, 4) ~= "QFI\xfb" then
    return nil
  end
  local offset, size = string.unpack(">I8I4", header, 9)
  if offset == 0 or size == 0 then
    return nil
  elseif size > 1023 or not head:seek("set", offset) then
    return nil, "its header is damaged"
  end
  local name = head:read(size) or ""
  name = name:match("^json:.*\"filename\"%s*:%s*\"([^\"]*)\"") or name:gsub("^file:", "")
  return name:sub(1, 1) == "/" and name or (path:match("^.*/") or "") .. name
end

-- The number of snapshots inside a qcow2; nil if that cannot be read.
function qcow2.internal_snapshots(path)
  local file <close> = io.open(path, "rb")
  local header = file and file:read(64) or ""
  if #header < 64 or header:sub(1, 4) ~= "QFI\xfb" then
    return nil
  end
  return (string.unpack(">I4", header, 61))
end

return qcow2
