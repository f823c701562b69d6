-- Where the state of an emulated TPM is. libvirt has a directory for it by the guest's UUID, and names it nowhere. swtpm writes the state anew beside
-- the old one and renames it, so that whoever opens the file reads a whole one, while the guest runs as well.

local core = require("guestlua.core")

local tpm = {}

-- The file in the directory, by version: libvirt's directory, and swtpm's file.
local FILES = { ["1.2"] = { "tpm1.2", "tpm-00.permall" }, ["2.0"] = { "tpm2", "tpm2-00.permall" } }

-- The emulated TPM of an element; nil: there is none, with why, if there is one of another kind.
local function emulated(element)
  local other
  for _, device in ipairs(element.devices and element.devices:children("tpm") or {}) do
    local kind = device.backend and device.backend.type
    if kind == "emulator" then
      return device
    end
    other = kind == "passthrough" and "it is the host's own TPM" or "it is emulated by a program that is not libvirt's"
  end
  return nil, other
end

-- libvirt's directory for all guests of a host.
local function directory_of(host)
  local path, root = host.uri:match("^[^:]+://[^/]*(/%w+)"), host.uri:match("[?&]root=([^&]*)")
  if root then
    return root:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end) .. "/lib/swtpm"
  elseif path == "/system" then
    return "/var/lib/libvirt/swtpm"
  end
  local config = os.getenv("XDG_CONFIG_HOME")
  return (config and config ~= "" and config or (os.getenv("HOME") or "") .. "/.config") .. "/libvirt/qemu/swtpm"
end

-- The file with the state of the TPM of a guest of that configuration on that host; nil: it has none, with why, if it has a TPM without such a file,
-- and whether that is because the configuration names another place.
function tpm.path(host, element)
  local device, why = emulated(element)
  if not device then
    return nil, why
  elseif device.backend.source then -- a file is written to in place, and is not always whole
    return nil, "its state is in a place of the operator's choice", true
  end
  local names = FILES[device.backend.version or "2.0"]
  if not names then
    return nil, "its version is none that is known"
  end
  return ("%s/%s/%s/%s"):format(directory_of(host), element.uuid[1], names[1], names[2])
end

-- Whether libvirt keeps the state encrypted.
function tpm.is_encrypted(element)
  local device = emulated(element)
  return device ~= nil and device.backend.encryption ~= nil
end

-- Makes the directories of a file that is not there yet, as libvirt does, which gives the last one to swtpm's user when the guest starts.
function tpm.make_directory(path)
  local guest, own = path:match("^((.*)/[^/]*)/[^/]*$")
  core.make_directory(own, tonumber("711", 8))
  core.make_directory(guest, tonumber("700", 8))
end

-- Removes them if they are empty.
function tpm.remove_directory(path)
  local guest, own = path:match("^((.*)/[^/]*)/[^/]*$")
  os.remove(guest)
  os.remove(own)
end

return tpm
