-- A list of records, or of objects of one class, as a table with a line each.

local core = require("guestlua.core")
local help = require("guestlua.prompt.help")
local try = require("guestlua.base.try")

local AT_ONCE = 4 -- objects that are asked at a time
local WIDEST = 44 -- columns of a cell in a table; a UUID has 36

local list = {}

local function width(text)
  return utf8.len(text) or #text
end

-- A table of texts, its columns aligned; and how many of them fit.
local function aligned(rows, columns)
  local widths, lines, fit, used = {}, {}, 0, 0
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, width(cell))
    end
  end
  for i, one in ipairs(widths) do
    used = used + one + (i > 1 and 2 or 0)
    if used > columns and i > 1 then
      break
    end
    fit = i
  end
  for n, row in ipairs(rows) do
    local cells = {}
    for i = 1, fit do
      cells[i] = i < fit and row[i] .. (" "):rep(widths[i] - width(row[i])) or row[i]
    end
    lines[n] = table.concat(cells, "  "):gsub(" +$", "")
  end
  return table.concat(lines, "\n"), fit
end

local function class_name(value)
  local class = (type(value) == "userdata" or type(value) == "table") and help.class_of(value)
  return class and class.name
end

-- What all members of a list are: the name of their class, "record" or nil.
local function kind_of(value)
  if type(value) ~= "table" or debug.getmetatable(value) or #value == 0 then
    return nil
  end
  local count, kind = 0, nil
  for _, member in next, value do
    local this = class_name(member)
    if not this and type(member) == "table" and not debug.getmetatable(member) and type(next(member)) == "string" then
      this = "record"
    end
    if not this or kind and this ~= kind then
      return nil
    end
    kind, count = this, count + 1
  end
  return count == #value and kind or nil
end

-- ---- objects ----

-- A cell of an object: what fn gives, or the kind of its error.
local function asked(fn, object)
  local ok, result = try(fn, object)
  if not ok then
    return tostring(core.Error.is(result) and result.kind or result)
  end
  return result == nil and "-" or type(result) == "boolean" and (result and "yes" or "no") or tostring(result)
end

local function field(name)
  return function(object)
    return object[name]
  end
end

local GUEST = {
  { "id", function(guest) return guest.id >= 0 and guest.id or nil end },
  { "name", field("name") },
  { "state", function(guest) return guest:get_info().domain_state end },
  { "uuid", field("uuid") },
}

local SNAPSHOT = {
  { "name", field("name") },
  { "guest", function(snapshot) return snapshot.guest.name end },
  { "created", function(snapshot) return os.date("%Y-%m-%d %H:%M:%S", snapshot:get_info().created) end },
  { "state", function(snapshot) return snapshot:get_info().state end },
}

local OWN = { Guest = GUEST, Snapshot = SNAPSHOT }

-- The columns of a class, as {title, function of an object}: its fields, its guest's name, and whether it is active.
local function columns_of(name)
  if OWN[name] then
    return OWN[name]
  end
  local class, columns, guest = help.classes()[name], {}, nil
  for _, one in ipairs(class.fields) do
    local kind = one.result[1]:match("^%w+")
    if one.name == "guest" then
      guest = { "guest", function(object) return object.guest and object.guest.name end }
    elseif kind == "string" or kind == "integer" or kind == "boolean" then
      table.insert(columns, one.name == "name" and 1 or #columns + 1, { one.name, field(one.name) })
    end
  end
  columns[#columns + 1] = guest
  for _, name_of in ipairs({ "is_active", "status" }) do
    local row = help.member(class, name_of)
    if row and row.params then
      columns[#columns + 1] = { (name_of:gsub("is_", "")), function(object) return (object[name_of](object)) end }
    end
  end
  return columns
end

local function objects_table(objects, name, width_of_all)
  local columns, head = columns_of(name), {}
  if #columns == 0 then
    return nil
  end
  for i, column in ipairs(columns) do
    head[i] = column[1]
  end
  local rows = require("guestlua").map(objects, function(object)
    local row = {}
    for i, column in ipairs(columns) do
      row[i] = core.escape(asked(column[2], object))
    end
    return row
  end, { limit = AT_ONCE })
  table.insert(rows, 1, head)
  return (aligned(rows, math.max(width_of_all, 80)))
end

-- ---- records ----

local FIRST = { name = 1, id = 2, guest = 3, device = 4, path = 5 }

-- The names of all fields: what identifies a record comes first, tables come last.
local function fields_of(records)
  local names, weight = {}, {}
  for _, record in ipairs(records) do
    for key, value in next, record do
      if type(key) ~= "string" then
        return nil
      elseif not weight[key] then
        names[#names + 1] = key
        weight[key] = FIRST[key] or 10
      end
      weight[key] = type(value) == "table" and 20 or weight[key]
    end
  end
  table.sort(names, function(a, b)
    return weight[a] < weight[b] or weight[a] == weight[b] and a < b
  end)
  return names
end

local function cut(text)
  if width(text) <= WIDEST then
    return text
  end
  return text:sub(1, (utf8.offset(text, WIDEST) or WIDEST) - 1) .. "…"
end

local function records_table(records, columns, text_of)
  local names = fields_of(records)
  if not names then
    return nil
  end
  local rows = { {} }
  for i, name in ipairs(names) do
    rows[1][i] = cut(core.escape(name))
    for n, record in ipairs(records) do
      local value = rawget(record, name)
      rows[n + 1] = rows[n + 1] or {}
      rows[n + 1][i] = cut(value == nil and "-" or type(value) == "string" and core.escape(value) or text_of(value):gsub("\n%s*", " "))
    end
  end
  local text, fit = aligned(rows, columns)
  if fit < #names then
    text = ("%s\n(%d more fields: %s; one alone, as in show(list[1]), has all)"):format(text, #names - fit,
      core.escape(table.concat(names, ", ", fit + 1)))
  end
  return text
end

list.of = kind_of

-- The table of a list, or nil for what is none. text_of: of a value in a cell.
function list.text(value, columns, text_of)
  local kind = kind_of(value)
  if kind == "record" then
    return records_table(value, columns, text_of)
  elseif kind and kind ~= "Element" and kind ~= "Error" then
    return objects_table(value, kind, columns)
  end
end

return list
