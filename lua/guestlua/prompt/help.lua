-- All that is public, from the texts that stand beside each function in the source, and the manual: for help() and for what doc/ makes of it.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local help = {}

local MODULE = "The module: what `require \"guestlua\"` gives, a global in scripts."

local function by_name(a, b)
  return a.name < b.name
end

-- A parameter that takes the same names as the one of another method has its list.
local function add_choices(class, param)
  for _, row in ipairs(param.choices_of and class.methods or {}) do
    if row.name == param.choices_of then
      param.choices = row.params[1].choices
    end
  end
end

-- The rows written in Lua join those written in C that belong to the same class.
local function merge(class)
  for _, row in ipairs(define.rows) do
    if row.owner == class.name then
      for i = #class.methods, 1, -1 do
        if class.methods[i].name == row.name then -- open is written twice: in C, and over that in Lua
          table.remove(class.methods, i)
        end
      end
      table.insert(class.methods, row)
    end
  end
  for _, row in ipairs(class.methods) do
    row.params = row.params or {}
    row.dotted = class.name == "guestlua" or row.owner and not row.method -- called with a dot, not with a colon
    for _, param in ipairs(row.params) do
      add_choices(class, param)
    end
  end
  table.sort(class.methods, by_name)
  table.sort(class.fields, by_name)
end

local made
-- A list of {name, path (to its table), help, methods, fields}, the module first. in_lua: the class is written in Lua.
function help.classes()
  if made then
    return made
  end
  require("guestlua") -- makes the rows of define
  require("guestlua.base.error") -- nothing but documentation
  define.load_all()
  local documentation = core.documentation()
  local classes = { { name = "guestlua", help = MODULE, methods = documentation.functions, fields = {} } }
  table.move(documentation.classes, 1, #documentation.classes, 2, classes)
  for _, class in ipairs(define.classes) do
    classes[#classes + 1] = { name = class.name, help = class.help, methods = {}, fields = class.fields, in_lua = true }
  end
  for _, class in ipairs(classes) do
    merge(class)
    class.path = class.name == "guestlua" and class.name or "guestlua." .. class.name
    classes[class.name] = class
  end
  for _, row in ipairs(define.rows) do
    assert(classes[row.owner], row.owner)
  end
  made = classes
  return classes
end

-- "guestlua.open(uri, {…})", ":commit(base, top, {…})"
function help.signature(class, row)
  local names, options = {}, false
  for _, p in ipairs(row.params) do
    if p.positional then
      names[#names + 1] = p.name
    else
      options = true
    end
  end
  if options then
    names[#names + 1] = "{…}"
  end
  return ("%s%s(%s)"):format(row.dotted and class.name .. "." or ":", row.name, table.concat(names, ", "))
end

-- The table that a class's functions are in.
local function members(class)
  for members_of, name in pairs(define.classes) do
    if name == class.name then
      return members_of
    end
  end
  return class.name == "guestlua" and require("guestlua") or core[class.name] or {}
end

-- The class that has its functions in this table, as guestlua.workflow is; nil for others.
function help.class_in(value)
  for _, class in ipairs(type(value) == "table" and help.classes() or {}) do
    if rawequal(members(class), value) then
      return class
    end
  end
end

-- The class of a value of ours; nil for others.
function help.class_of(value)
  if type(value) == "table" then
    local name = define.classes[getmetatable(value)]
    return name and help.classes()[name]
  end
  for _, class in ipairs(type(value) == "userdata" and help.classes() or {}) do
    if class.name ~= "guestlua" and not class.in_lua then
      local ok, e = pcall(core.check_self, value, class.name, "help")
      if ok or e.kind == "closed" then
        return class
      end
    end
  end
end

-- The method, which has params, or the field of that name.
function help.member(class, name)
  for _, list in ipairs({ class.methods, class.fields }) do
    for _, row in ipairs(list) do
      if row.name == name then
        return row
      end
    end
  end
end

-- The class of what a row gives, or nil; the one of which it gives a list.
function help.class_given(row)
  return row.result and help.classes()[row.result[1]:match("^(%w+)%??$")]
end

function help.class_listed(row)
  return row.result and help.classes()[row.result[1]:match("^(%w+)%[%]$")]
end

-- What a row gives, in words: `returns` if it has it, or else its types. nil: nothing.
function help.result(row)
  if row.returns or not row.result then
    return row.returns
  end
  local words = {}
  for i, one in ipairs(row.result) do
    words[i] = help.type(one:match("^[^ ]+"))
  end
  return table.concat(words, ", ")
end

-- Whether a row with fields gives a list of such tables.
function help.is_list(row)
  return row.result[1]:find("^table%[%]") ~= nil
end

-- A type of LuaCATS in words: "Guest?" is "Guest, or nil".
function help.type(text)
  local kind, list, optional = text:match("^(%w+)(%[?%]?)(%??)$")
  if not kind then
    return (text:gsub("|", " or "))
  end
  return (list ~= "" and "a list of " .. kind .. "s" or kind) .. (optional ~= "" and ", or nil" or "")
end

-- The class and the row of a function of ours.
function help.row_of(fn)
  for _, class in ipairs(help.classes()) do
    for _, row in ipairs(class.methods) do
      if rawequal(members(class)[row.name], fn) then
        return class, row
      end
    end
  end
end

local sections
-- The manual, as a list of {title, text}.
function help.manual()
  if not sections then
    sections = {}
    for title, text in (require("guestlua.doc.manual") .. "\n## "):gsub("\n## ", "\n\0## "):gmatch("## ([^\n]*)\n+([^\0]*)") do
      sections[#sections + 1] = { title = title, text = (text:gsub("%s+$", "")) }
    end
  end
  return sections
end

-- ---- as text ----

local function wrapped(text, indent, columns)
  local lines, line = {}, indent
  for word in text:gmatch("%S+") do
    if #line + #word + 1 > columns and line ~= indent then
      lines[#lines + 1] = line
      line = indent .. (indent ~= "" and "  " or "")
    end
    line = line .. (line:find("%S") and " " or "") .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function add_params(lines, row, positional, title, columns)
  for _, p in ipairs(row.params) do
    if (p.positional or false) == positional then
      if title then
        lines[#lines + 1] = title
        title = nil
      end
      local optional = positional and not p.required and ", or nil" or ""
      lines[#lines + 1] = wrapped(("%s (%s%s): %s"):format(p.name, p.type, optional, p.help), "  ", columns)
      if p.choices and #p.choices < 30 then
        lines[#lines + 1] = wrapped(table.concat(p.choices, ", "), "    ", columns)
      end
    end
  end
end

local function row_text(class, row, columns)
  local lines = { (row.dotted and "" or class.name) .. help.signature(class, row), wrapped(row.help, "", columns) }
  add_params(lines, row, true, "Arguments:", columns)
  add_params(lines, row, false, "Options:", columns)
  if row.fields then
    lines[#lines + 1] = ("Returns a %s:"):format(help.is_list(row) and "list of tables, each with" or "table")
    for _, field in ipairs(row.fields) do
      lines[#lines + 1] = wrapped(("%s (%s): %s"):format(field.name, help.type(field.type), field.help), "  ", columns)
    end
  elseif help.result(row) then
    lines[#lines + 1] = wrapped("Returns " .. help.result(row) .. ".", "", columns)
  end
  if row.call then
    lines[#lines + 1] = "libvirt: " .. row.call
  end
  return table.concat(lines, "\n")
end

-- As many names as fit on each line.
local function names_of(rows, columns)
  local names = {}
  for i, row in ipairs(rows) do
    names[i] = row.name .. (i < #rows and "," or "")
  end
  return wrapped(table.concat(names, " "), "  ", columns)
end

local function class_text(class, columns)
  local lines = { class.name, wrapped(class.help, "", columns) }
  if #class.fields > 0 then
    lines[#lines + 1] = "Fields:\n" .. names_of(class.fields, columns)
  end
  lines[#lines + 1] = (class.name == "guestlua" and "Functions:\n" or "Methods:\n") .. names_of(class.methods, columns)
  return table.concat(lines, "\n")
end

local function field_text(class, field, columns)
  return ("%s.%s\n%s"):format(class.name, field.name, wrapped(("%s (%s)"):format(field.help, help.result(field)), "", columns))
end

-- "Guest", "Guest.launch", "guest:launch", "launch", "Block jobs": what is called exactly so.
local function named(topic, columns)
  local found = {}
  local owner, name = topic:match("^([%w_]+)[.:]([%w_]+)$")
  for _, class in ipairs(help.classes()) do
    if class.name:lower() == topic:lower() then
      found[#found + 1] = class_text(class, columns)
    end
    for _, field in ipairs(class.fields) do
      if topic == field.name or name == field.name and owner:lower() == class.name:lower() then
        found[#found + 1] = field_text(class, field, columns)
      end
    end
    for _, row in ipairs(class.methods) do
      if topic == row.name or name == row.name and owner:lower() == class.name:lower() then
        found[#found + 1] = row_text(class, row, columns)
      end
    end
  end
  for _, section in ipairs(help.manual()) do
    if section.title:lower() == topic:lower() then
      found[#found + 1] = section.title .. "\n\n" .. section.text:gsub("([ ]*)([^\n]+)", function(indent, line)
        return wrapped(line, indent, columns)
      end)
    end
  end
  return found
end

local function has_words(text, words)
  text = text:lower()
  for _, word in ipairs(words) do
    if not text:find(word, 1, true) then
      return false
    end
  end
  return true
end

-- Where all words of the topic occur, a line each.
local function search(topic, columns)
  local words, found = {}, {}
  for word in topic:lower():gmatch("%S+") do
    words[#words + 1] = word
  end
  local function add(name, text)
    if #words > 0 and has_words(name .. " " .. text, words) then
      local sentence = text:match("^.-%.%f[%s\0]") or text
      local line = ("  %s: %s"):format(name, sentence:gsub("%s+", " "))
      found[#found + 1] = #line <= columns and line or line:sub(1, columns - 3) .. "..."
    end
  end
  for _, section in ipairs(help.manual()) do
    add(("\"%s\""):format(section.title), section.text)
  end
  for _, class in ipairs(help.classes()) do
    for _, row in ipairs(class.methods) do
      local params = { row.help }
      for _, p in ipairs(row.params) do
        params[#params + 1] = p.name .. " " .. p.help
      end
      add(class.name .. (row.dotted and "." or ":") .. row.name, table.concat(params, " "))
    end
  end
  return found
end

local function overview(columns)
  local titles = {}
  for i, section in ipairs(help.manual()) do
    titles[i] = { name = ("\"%s\""):format(section.title) }
  end
  return table.concat({
    "help(guest), help(guest.launch)   what a value is, and what it can",
    "help \"launch\", help \"block jobs\"  what has that name, or speaks of it",
    "The classes:\n" .. names_of(help.classes(), columns),
    "The manual:\n" .. names_of(titles, columns),
  }, "\n")
end

-- What there is to say of a topic: nothing, a value of ours, or words.
function help.text(topic, columns)
  columns = columns or 80
  if topic == nil then
    return overview(columns)
  elseif type(topic) ~= "string" then
    local class, row = help.row_of(topic)
    class = class or help.class_in(topic) or help.class_of(topic)
    if class then
      return row and row_text(class, row, columns) or class_text(class, columns)
    end
    return ("No help for a %s that is not of guestlua."):format(type(topic))
  end
  local found = named(topic, columns)
  if #found > 0 then
    return table.concat(found, "\n\n")
  end
  found = search(topic, columns)
  return #found > 0 and table.concat(found, "\n") or ("Nothing about '%s'."):format(topic)
end

return help
