-- The manual's page of each class, as Markdown.

local examples = require("guestlua.prompt.examples")
local help = require("guestlua.prompt.help")
local links = require("guestlua.prompt.links")

-- Outside of `code` a < would begin HTML.
local function escaped(text)
  local code = true
  return (text:gsub("[^`]*", function(part)
    code = not code
    return not code and part:gsub("<", "\\<") or nil
  end))
end

local function add_params(lines, params, positional, title)
  local list = {}
  for _, p in ipairs(params) do
    if (p.positional or false) == positional and not p.common then
      local optional = positional and not p.required and ", or nil" or ""
      list[#list + 1] = ("- `%s` (%s%s): %s"):format(p.name, p.type, optional, escaped(p.help))
    end
  end
  if #list > 0 then
    lines[#lines + 1] = ("\n%s:\n\n%s"):format(title, table.concat(list, "\n"))
  end
end

-- The option that every call has, which is explained once a page; nil if none of the class's methods has it.
local function common(params)
  for _, p in ipairs(params) do
    if p.common then
      return p
    end
  end
end

local function common_of(class)
  for _, row in ipairs(class.methods) do
    local found = common(row.params)
    if found then
      return found
    end
  end
end

local function page(class)
  local lines = { ("<!-- Made by `make doc` from the source; changes here are lost. -->\n\n# %s\n\n%s"):format(class.name, escaped(class.help)) }
  local function add(...)
    lines[#lines + 1] = string.format(...)
  end
  if class.inherits then
    add("\nIt also has the methods of [%s](%s.md); its own take precedence.", class.inherits, class.inherits)
  end
  local shared = common_of(class)
  if shared then
    add("\n## %s\n\nAn option of each method that says so: %s.", shared.name, escaped(shared.help))
  end
  for _, field in ipairs(class.fields) do
    add("\n## .%s\n\n%s (%s%s)", field.name, escaped(field.help), help.result(field), field.call and ", `" .. field.call .. "`" or "")
  end
  for _, row in ipairs(class.methods) do
    add("\n## %s\n\n%s", help.signature(class, row), escaped(row.help))
    add_params(lines, row.params, true, "Arguments")
    add_params(lines, row.params, false, "Options")
    if row.fields then
      local list = {}
      for i, field in ipairs(row.fields) do
        list[i] = ("- `%s` (%s): %s"):format(field.name, help.type(field.type), escaped(field.help))
      end
      add("\nReturns %s:\n\n%s", help.table_of(row), table.concat(list, "\n"))
    elseif help.result(row) then
      add("\nReturns %s.", escaped(help.result(row)))
    end
    local example, command = examples.of(class, row)
    if example then
      local title = command and ("As virsh's `%s`"):format(command) or "For example"
      add("\n%s:\n\n    %s", title, (example:gsub("\n", "\n    ")))
    end
    local takes = common(row.params) and (" Option [`%s`](#%s)."):format(shared.name, shared.name) or ""
    if row.call then
      local link = links.of(row.call)
      add((link and "\nlibvirt: [`%s`](%s)." or "\nlibvirt: `%s`.") .. takes, row.call, link)
    elseif takes ~= "" then
      add("\n%s", takes:sub(2))
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local files = {}
for _, class in ipairs(require("doc.classes")) do
  files["doc/reference/" .. class.name .. ".md"] = page(class)
end
return files
