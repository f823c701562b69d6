-- Values as JSON can have them, without secrets: for --result, and for programs (guestlua_json).

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local json_for = require("guestlua.base.json")

local plain = {}

local DEEPEST = 32

function plain.text(value)
  local masked = core.mask((value:gsub("\0", "\\x00"))) -- the mask would end there
  return utf8.len(masked) and masked or core.escape(masked, "keep")
end

local function is_list(t)
  local count = 0
  for key in next, t do
    count = count + 1
    if math.type(key) ~= "integer" or key < 1 then
      return false
    end
  end
  return count == rawlen(t)
end

-- A float that JSON gives back the same: dkjson writes 14 digits, as tostring does. What these say exactly it gets as it is.
local function float(number)
  if tonumber(tostring(number)) == number then
    return number
  end
  local text = ("%.15g"):format(number)
  for places = 16, 17 do
    text = tonumber(text) == number and text or ("%%.%dg"):format(places):format(number)
  end
  return setmetatable({}, { __tojson = function()
    return (text:gsub("[^%d%-+e]", ".")) -- the locale may have a comma there
  end })
end

-- Nothing of the script's is called for it: metatables do not count.
local function plain_table(t, depth, around)
  if around[t] or depth > DEEPEST then
    return "..."
  end
  around[t] = true
  local copy = {}
  if is_list(t) then
    for i = 1, rawlen(t) do
      copy[i] = plain.value(rawget(t, i), depth + 1, around)
    end
  else
    for key, value in next, t do
      local name = plain.text(tostring(type(key) == "table" and type(key) or key))
      copy[name] = core.is_secret_name((name:gsub("%z", " "))) and "***" or plain.value(value, depth + 1, around)
    end
    setmetatable(copy, { __jsontype = "object" })
  end
  around[t] = nil
  return copy
end

-- A value as JSON can have it, without secrets.
function plain.value(value, depth, around)
  local kind = type(value)
  if kind == "nil" then
    return json_for("json", "JSON").null
  elseif kind == "boolean" or math.type(value) == "integer" then
    return value
  elseif kind == "number" and value - value == 0 then
    return float(value)
  elseif kind == "table" then
    return plain_table(value, depth or 1, around or {})
  end
  return plain.text(tostring(value))
end

function plain.error(e)
  if not core.Error.is(e) then
    return { kind = "script", message = plain.text(tostring(type(e) == "table" and "an error that is a table" or e)) }
  end
  local fields = plain.value(e)
  fields.text = plain.text(tostring(e))
  return fields
end

-- The value as a JSON text; an error with its fields, and its text for people.
function plain.encode(value)
  return json_for("json", "JSON").encode(core.Error.is(value) and plain.error(value) or plain.value(value))
end

define(plain, "guestlua", {
  name = "json",
  help = "The value as JSON: for a web service, jq or a file. A table with the keys 1, 2 … is an array. Guests, Elements and functions are "
    .. "texts, and an Error has its fields. What is called like a secret, as \"password\", is masked. It needs the Lua module dkjson, which can "
    .. "also read JSON.",
  result = "string",
  params = { { name = "value", type = "any", positional = true, help = "any value" } },
  run = function(value)
    return plain.encode(value)
  end,
})

return plain
