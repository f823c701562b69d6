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
  local in_lua = table.move(define.classes, 1, #define.classes, 1, {}) -- in the order in which their modules were loaded
  table.sort(in_lua, by_name)
  for _, class in ipairs(in_lua) do
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

-- The class of a value of guestlua's; nil for others.
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

-- The method, which has params, or the field of that name; one that the class inherits too.
function help.member(class, name)
  for _, list in ipairs({ class.methods, class.fields }) do
    for _, row in ipairs(list) do
      if row.name == name then
        return row
      end
    end
  end
  local row = class.inherits and help.member(help.classes()[class.inherits], name)
  return row and row.params and row or nil
end

-- The rows of the methods that a class has, with those that it inherits.
function help.methods(class)
  local rows, seen = {}, {}
  while class do
    for _, row in ipairs(class.methods) do
      rows[#rows + 1] = not seen[row.name] and row or nil
      seen[row.name] = true
    end
    class = help.classes()[class.inherits]
  end
  return rows
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

-- What a row with fields returns, before the list of them.
function help.table_of(row)
  local result = row.result[1]
  return result:find("^table%[%]") and "a list of tables, each with" or result:find("?", 1, true) and "nil, or a table" or "a table"
end

-- A type of LuaCATS in words: "Guest?" is "Guest, or nil".
function help.type(text)
  local kind, list, optional = text:match("^(%w+)(%[?%]?)(%??)$")
  if not kind then
    return (text:gsub("|", " or "))
  end
  return (list ~= "" and "a list of " .. kind .. "s" or kind) .. (optional ~= "" and ", or nil" or "")
end

-- The class and the row of a function of guestlua's.
function help.row_of(fn)
  for _, class in ipairs(help.classes()) do
    for _, row in ipairs(class.methods) do
      if rawequal(members(class)[row.name], fn) then
        return class, row
      end
    end
  end
end

-- What is below each heading of a text: a list of {title, text, level}. That of a chapter ends with the names of its parts.
local function read_sections(text)
  local found, chapter = {}, nil
  text = ("\n" .. text .. "\n"):gsub("\n(###? )", "\n\0%1")
  for level, title, body in text:gmatch("\0(###?) ([^\n]*)\n+([^\0]*)") do
    local section = { title = title, text = (body:gsub("%s+$", "")), level = #level, parts = {} }
    found[#found + 1] = section
    if section.level == 2 then
      chapter = section
    else
      table.insert(chapter.parts, ("\"%s\""):format(title))
    end
  end
  for _, section in ipairs(found) do
    if #section.parts > 0 then
      section.text = ("%s\n\nIts parts: %s"):format(section.text, table.concat(section.parts, ", "))
    end
  end
  return found
end

local manual, cookbook
-- The manual, as a list of {title, text, level}.
function help.manual()
  manual = manual or read_sections(require("guestlua.doc.manual"))
  return manual
end

-- The recipes, in the same way.
function help.cookbook()
  cookbook = cookbook or read_sections(require("guestlua.doc.cookbook"))
  return cookbook
end

return help
