-- Commands for the QEMU guest agent and its answers, JSON both, with bytes in base64.

local core = require("guestlua.core")
local json = require("guestlua.base.json")

local asking = {}

local alphabet = {}
for value, character in ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):gmatch("()(.)") do
  alphabet[character] = value - 1
end

function asking.from_base64(text)
  local bytes, bits, count = {}, 0, 0
  for character in text:gmatch("[%w+/]") do
    bits, count = bits << 6 | alphabet[character], count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(bits >> count & 0xff)
    end
  end
  return table.concat(bytes)
end

function asking.to_base64(data)
  local letters = {}
  for character, value in pairs(alphabet) do
    letters[value] = character
  end
  return (data:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    local function letter(shift)
      return letters[bits >> shift & 0x3f]
    end
    return letter(18) .. letter(12) .. (b and letter(6) or "=") .. (c and letter(0) or "=")
  end))
end

-- Bytes of a command: in tests QEMU's agent accepted 200,000, and with 400,000 it was lost to everybody.
local LONGEST = 192 << 10

-- What the answers hold. The guest makes them: libvirt passes on whatever is JSON.
local ANSWERS = {
  ["guest-exec"] = { pid = "integer" },
  ["guest-exec-status"] = {
    exited = "boolean", exitcode = "integer?", signal = "integer?", ["out-data"] = "string?", ["err-data"] = "string?",
    ["out-truncated"] = "boolean?", ["err-truncated"] = "boolean?",
  },
  ["guest-file-open"] = "integer",
  ["guest-file-read"] = { ["buf-b64"] = "string?", eof = "boolean?" },
  ["guest-file-write"] = { count = "integer" },
}

local function is_of(value, wanted)
  if type(wanted) ~= "table" then
    return wanted == nil or wanted:find("?", 1, true) and value == nil or (math.type(value) or type(value)) == wanted:match("%a+")
  elseif type(value) ~= "table" then
    return false
  end
  for name, kind in pairs(wanted) do
    if not is_of(value[name], kind) then
      return false
    end
  end
  return true
end

-- The answer to a command, which is as ANSWERS says.
function asking.ask(guest, execute, arguments)
  local module = json("exec", "guest:exec")
  local command = module.encode({ execute = execute, arguments = arguments })
  if #command > LONGEST then
    error(core.Error.new({
      kind = "bad_argument",
      op = execute,
      guest = guest.name,
      message = ("the command is %d bytes long, and the guest's agent could be lost with more than %d"):format(#command, LONGEST),
      hint = "guest:write_file brings any amount into the guest, as does exec's input",
    }), 0)
  end
  local ok, answer = pcall(module.decode, (guest:agent_command(command))) -- one that is nested too deeply overflows Lua's stack
  if not ok and core.Error.is(answer) then -- asked to stop
    error(answer, 0)
  end
  local result = ok and type(answer) == "table" and answer["return"]
  if not is_of(result, ANSWERS[execute]) then
    error(core.Error.new({ kind = "operation_failed", op = execute, guest = guest.name, message = "the guest's agent gave no valid answer" }), 0)
  end
  return result
end

return asking
