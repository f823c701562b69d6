-- All that is public, from the texts that stand beside each function in the source: a list of {name, help, methods, fields}, the module first.

local documentation = require("guestlua.core").documentation()
local define = require("guestlua.define")
require("guestlua") -- makes the rows of define

local function by_name(a, b)
  return a.name < b.name
end

local module_help = "The module: what `require \"guestlua\"` gives, a global in scripts."
local classes = { { name = "guestlua", help = module_help, methods = documentation.functions, fields = {} } }
table.move(documentation.classes, 1, #documentation.classes, 2, classes)
for _, class in ipairs(define.classes or {}) do
  classes[#classes + 1] = { name = class.name, help = class.help, methods = {}, fields = {}, in_lua = true }
end

-- The rows written in Lua join those written in C that belong to the same class.
local known = {}
for _, class in ipairs(classes) do
  known[class.name] = true
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
  end
  table.sort(class.methods, by_name)
  table.sort(class.fields, by_name)
end
for _, row in ipairs(define.rows) do
  assert(known[row.owner], row.owner)
end

return classes
