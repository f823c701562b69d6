-- Values as people read them, for the prompt.

local core = require("guestlua.core")
local help = require("guestlua.prompt.help")

local DEEPEST = 4
local AT_ONCE = 4 -- guests that are asked at a time

local show = {}

-- ---- XML ----

-- XML with an element a line, where it has no text beside it.
local function indented(xml)
  local tokens = {}
  local at = 1
  while at <= #xml do
    local from, to = xml:find("^<!%-%-.-%-%->", at)
    if not from then
      from, to = xml:find("^<!%[CDATA%[.-%]%]>", at)
    end
    if not from then
      from, to = xml:find("^<[^>]*>", at)
    end
    if not from then
      from, to = xml:find("^[^<]+", at)
    end
    if not from then
      return xml
    end
    local text = xml:sub(from, to)
    if text:find("%S") then
      tokens[#tokens + 1] = text
    end
    at = to + 1
  end
  local lines, depth, i = {}, 0, 1
  while i <= #tokens do
    local token = tokens[i]
    local opens = token:find("^<[%w_]") and not token:find("/>$")
    if token:find("^</") then
      depth = depth - 1
    elseif opens and tokens[i + 2] and not tokens[i + 1]:find("^<[^!]") and tokens[i + 2]:find("^</") then
      token = token .. tokens[i + 1] .. tokens[i + 2] -- <name>text</name>
      opens, i = false, i + 2
    elseif opens and tokens[i + 1] and tokens[i + 1]:find("^</") then
      token = token .. tokens[i + 1]
      opens, i = false, i + 1
    end
    lines[#lines + 1] = ("  "):rep(depth) .. token
    depth = depth + (opens and 1 or 0)
    i = i + 1
  end
  return table.concat(lines, "\n")
end

-- ---- a list of guests ----

local function is(value, name)
  local class = help.class_of(value)
  return class ~= nil and class.name == name
end

-- A table of texts, its columns aligned.
local function aligned(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell)
    end
  end
  for n, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      cells[i] = i < #row and cell .. (" "):rep(widths[i] - (utf8.len(cell) or #cell)) or cell
    end
    lines[n] = table.concat(cells, "  ")
  end
  return table.concat(lines, "\n")
end

local function is_guests(value)
  if type(value) ~= "table" or #value == 0 then
    return false
  end
  local count = 0
  for _, guest in next, value do
    count = count + 1
    if type(guest) ~= "userdata" or not is(guest, "Guest") then
      return false
    end
  end
  return count == #value
end

local function guests_table(guests)
  local rows = require("guestlua").map(guests, function(guest)
    local ok, row = pcall(function()
      return { guest.id >= 0 and tostring(guest.id) or "-", core.escape(guest.name), guest:get_info().domain_state, guest.uuid }
    end)
    return ok and row or { "-", ok and "" or (select(2, pcall(function() return guest.name end))) .. "", tostring(row.kind), "" }
  end, { limit = AT_ONCE })
  table.insert(rows, 1, { "id", "name", "state", "uuid" })
  return aligned(rows)
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
  local parts, length, inner = {}, 4 + #indent, indent .. "  "
  for i, key in ipairs(sorted_keys(value)) do
    local text = nested(rawget(value, key), inner, columns, seen)
    if type(key) == "string" and key:find("^[%a_][%w_]*$") then
      text = key .. " = " .. text
    elseif key ~= i then
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
    local told = key == "undoing" or type(value) ~= "table" and text:find(core.printable(tostring(value)), 1, true)
    if not told or key == "kind" then
      lines[#lines + 1] = core.printable(("  %s = %s"):format(key, nested(value, "  ", columns, {})), "keep")
    end
  end
  return table.concat(lines, "\n")
end

-- A value of any kind, in at most so many columns where that can be.
function show.value(value, columns)
  columns = columns or 80
  if type(value) == "string" then
    return core.escape(value, "keep")
  elseif core.Error.is(value) then
    return error_text(value, columns)
  elseif is(value, "Element") then
    return core.escape(indented(tostring(value)), "keep")
  elseif is_guests(value) then
    return guests_table(value)
  elseif type(value) == "function" then
    local class, row = help.row_of(value)
    return row and ("%s%s: %s"):format(row.dotted and "" or class.name, help.signature(class, row), row.help) or tostring(value)
  end
  return nested(value, "", columns, {})
end

return show
