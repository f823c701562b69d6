-- guestlua doc/reference.lua DIRECTORY: writes the manual's page of each class there, from the texts that stand beside each function in the source.

local directory = ...

local documentation = require("guestlua.core").documentation()
local define = require("guestlua.define")

local function by_name(a, b)
  return a.name < b.name
end

-- The rows written in Lua join those written in C that belong to the same class.
local module_help = "The module: what `require \"guestlua\"` gives, a global in scripts."
local classes = { { name = "guestlua", help = module_help, methods = {}, fields = {} } }
table.move(documentation.functions, 1, #documentation.functions, 1, classes[1].methods)
table.move(documentation.classes, 1, #documentation.classes, 2, classes)
for _, class in ipairs(classes) do
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
  table.sort(class.methods, by_name)
  table.sort(class.fields, by_name)
end

local lines

local function print(text) -- luacheck: ignore
  lines[#lines + 1] = text
end

local function print_params(params, positional, title)
  local list = {}
  for _, p in ipairs(params) do
    if (p.positional or false) == positional then
      local optional = positional and not p.required and ", or nil" or ""
      list[#list + 1] = ("- `%s` (%s%s): %s"):format(p.name, p.type, optional, p.help)
    end
  end
  if #list > 0 then
    print(("\n%s:\n\n%s"):format(title, table.concat(list, "\n")))
  end
end

local function signature(class, row)
  local names, options = {}, false
  for _, p in ipairs(row.params or {}) do
    if p.positional then
      names[#names + 1] = p.name
    else
      options = true
    end
  end
  if options then
    names[#names + 1] = "{…}"
  end
  local function_of_class = class.name == "guestlua" or row.owner and not row.method
  local before = class.name == "guestlua" and "guestlua." or function_of_class and class.name .. "." or ":"
  return ("%s%s(%s)"):format(before, row.name, table.concat(names, ", "))
end

for _, class in ipairs(classes) do
  lines = {}
  print(("# %s\n\n%s\n\nMade by `make doc` from the source; changes here are lost."):format(class.name, class.help))
  for _, field in ipairs(class.fields) do
    print(("\n## .%s\n\n%s (%s%s)"):format(field.name, field.help, field.returns, field.call and ", `" .. field.call .. "`" or ""))
  end
  for _, row in ipairs(class.methods) do
    print(("\n## %s\n\n%s"):format(signature(class, row), row.help))
    print_params(row.params or {}, true, "Arguments")
    print_params(row.params or {}, false, "Options")
    if row.returns then
      print("\nReturns " .. row.returns .. ".")
    end
    if row.call then
      print("\nlibvirt: `" .. row.call .. "`.")
    end
  end
  local file <close> = assert(io.open(("%s/%s.md"):format(directory, class.name), "w"))
  assert(file:write(table.concat(lines, "\n"), "\n"))
end
