-- Values as people read them, for the prompt.

local core = require("guestlua.core")
local help = require("guestlua.prompt.help")
local list = require("guestlua.prompt.list")
local xml = require("guestlua.prompt.xml")

local DEEPEST = 4
local BIG = 2000 -- bytes of a text that may be XML to be folded; shorter ones are as they are

local show = {}

local function is(value, name)
  local class = help.class_of(value)
  return class ~= nil and class.name == name
end

-- ---- tables ----

local function sorted_keys(t)
  local keys = {}
  for key in next, t do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
      return a < b
    end
    return type(a) == "number" and type(b) ~= "number" or tostring(a) < tostring(b) and type(b) ~= "number"
  end)
  return keys
end

local function quoted(text)
  return core.escape('"' .. text:gsub('["\\]', "\\%0") .. '"')
end

local nested -- function

local function table_text(value, indent, columns, seen)
  if seen[value] then
    return "{ (this table again) }"
  elseif #seen >= DEEPEST then
    return next(value) == nil and "{}" or "{ … }"
  end
  seen[value], seen[#seen + 1] = true, value
  local parts, length, inner, plain = {}, 4 + #indent, indent .. "  ", 0
  for i, key in ipairs(sorted_keys(value)) do
    local text = nested(rawget(value, key), inner, columns, seen)
    if type(key) == "string" and key:find("^[%a_][%w_]*$") then
      text = key .. " = " .. text
    elseif key == plain + 1 then
      plain = key
    else
      text = ("[%s] = %s"):format(type(key) == "string" and quoted(key) or tostring(key), text)
    end
    parts[i] = text
    length = length + #text + 2
  end
  seen[value], seen[#seen] = nil, nil
  local joined = table.concat(parts, ", ")
  if #parts == 0 then
    return "{}"
  elseif length <= columns and not joined:find("\n") then
    return "{ " .. joined .. " }"
  end
  return ("{\n%s%s,\n%s}"):format(inner, table.concat(parts, ",\n" .. inner), indent)
end

local function has_text(value)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and (rawget(meta, "__tostring") or rawget(meta, "__name"))
end

function nested(value, indent, columns, seen)
  if type(value) == "string" then
    return quoted(value)
  elseif type(value) == "table" and not has_text(value) then
    return table_text(value, indent, columns, seen)
  elseif type(value) == "userdata" and is(value, "Element") then
    return ("<%s …>"):format(value:tag())
  end
  return core.escape(tostring(value), "keep")
end

-- ---- errors ----

-- The line that it prints as, then the fields that are not in it.
local function error_text(e, columns)
  local text = tostring(e) -- printable: its fields are escaped in it
  local lines = { text }
  for _, key in ipairs(sorted_keys(e)) do
    local value = e[key]
    local shown = key == "undoing" or type(value) ~= "table" and text:find(core.printable(tostring(value)), 1, true)
    if not shown or key == "kind" then
      lines[#lines + 1] = core.printable(("  %s = %s"):format(key, nested(value, "  ", columns, {})), "keep")
    end
  end
  return table.concat(lines, "\n")
end

-- XML in at most so many lines, if it can be folded.
local function xml_text(text, lines)
  local shown, folded = xml.text(text, lines)
  return core.escape(shown, "keep") .. (folded and "\n(folded; print(…) shows all of it)" or "")
end

-- A value of any kind, in at most so many columns if that can be, XML in so many lines.
function show.value(value, columns, lines)
  columns = columns or 80
  if type(value) == "string" then
    return lines and #value > BIG and value:find("^%s*<[%a?!]") and xml_text(value, lines) or core.escape(value, "keep")
  elseif core.Error.is(value) then
    return error_text(value, columns)
  elseif is(value, "Element") then
    return xml_text(tostring(value), lines)
  elseif type(value) == "function" then
    local class, row = help.row_of(value)
    return row and ("%s%s: %s"):format(row.dotted and "" or class.name, help.signature(class, row), row.help) or tostring(value)
  end
  if list.of(value) == "Element" then
    local parts = {}
    for i, element in ipairs(value) do
      parts[i] = ("[%d] %s"):format(i, xml_text(tostring(element), lines and math.max(lines // #value, 3)))
    end
    return table.concat(parts, "\n")
  end
  local as_table = list.text(value, columns, function(cell)
    return nested(cell, "", math.huge, {})
  end)
  return as_table or nested(value, "", columns, {})
end

return show
