-- What subcommands print: sizes for people, and JSON for programs.

local bad = require("guestlua.base.define").bad
local core = require("guestlua.core")
local json_for = require("guestlua.base.json")
local plain = require("guestlua.log.plain")

local output = {}

function output.bytes(count)
  local units, unit = { "bytes", "KiB", "MiB", "GiB", "TiB" }, 1
  while count >= 1024 and unit < #units do
    count, unit = count / 1024, unit + 1
  end
  return unit == 1 and ("%d bytes"):format(count) or ("%.1f %s"):format(count, units[unit])
end

local function encoder()
  return json_for("json", "--json")
end

-- Raises before anything is done if there can be no JSON.
function output.check(wanted)
  return wanted and encoder()
end

-- One object on a line of its own.
function output.json(value)
  io.stdout:write(encoder().encode(plain.value(value)), "\n")
end

-- The object of a guest or a backup that something failed with.
function output.failure(name, e)
  local failure = { message = core.Error.is(e) and e.message or tostring(e) }
  for _, key in ipairs(core.Error.is(e) and { "kind", "code", "workflow", "step", "device", "outcome", "left", "hint" } or {}) do
    failure[key] = e[key]
  end
  return { name = name, error = failure }
end

-- "full=2", "increments=6" as a table; what is no number the workflow refuses.
function output.counts(word, list)
  local counts = {}
  for _, text in ipairs(list) do
    local key, value = text:match("^([^=]*)=(.*)$")
    if counts[key or text] ~= nil then
      bad(word, "keep", ("%s is there twice"):format(key or text))
    end
    counts[key or text] = math.tointeger(tonumber(value)) or value or false
  end
  return counts
end

return output
