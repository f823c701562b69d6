-- What guestlua --check knows: methods, what calls give, and the names that a script makes itself.

local help = require("guestlua.prompt.help")
local is = require("guestlua.base.words").is

local known = {}

known.foreign = {} -- methods that are not ours, of Lua's own values
for _, name in ipairs({ "close", "flush", "lines", "read", "seek", "setvbuf", "write" }) do
  known.foreign[name] = true
end
for name in pairs(string) do
  known.foreign[name] = true
end

local every_method -- names -> the rows of that name that are called with a colon
local every_name -- the list of those names

-- The rows of the methods of that name, or nil; and the names of all methods.
function known.methods(name)
  if not every_method then
    every_method, every_name = {}, {}
    for _, class in ipairs(help.classes()) do
      for _, row in ipairs(class.methods) do
        every_method[row.name] = not row.dotted and { row, table.unpack(every_method[row.name] or {}) } or every_method[row.name]
      end
    end
    for method in pairs(every_method) do
      every_name[#every_name + 1] = method
    end
    table.sort(every_name)
  end
  return every_method[name], every_name
end

-- What a call of the row gives: {class=}, {list=} of that class, {record=} with those fields, or nil.
function known.given(row)
  local class, of = row and help.class_given(row), row and help.class_listed(row)
  local is_record = row and row.fields and row.result and row.result[1]:find("^table%??$")
  return class and { class = class } or of and { list = of } or is_record and { record = row.fields } or nil
end

function known.has(list, wanted)
  for _, one in ipairs(list) do
    if one == wanted then
      return true
    end
  end
  return false
end

-- Names that the script gives to something: what it makes itself is not misspelt. And those of them that are functions or fields: these may take the
-- place of guestlua's, as a variable does not.
function known.own_names(words)
  local names, fields = {}, {}
  for i, word in ipairs(words) do
    if word.kind == "name" and is(words[i + 1], "=") then
      names[word.text] = true
      fields[word.text] = fields[word.text] or is(words[i - 1], ".")
    elseif is(word, "function") then
      repeat -- function a.b:c(
        i = i + 1
        names[words[i].text], fields[words[i].text] = true, true
      until is(words[i], "(")
    elseif word.kind == "string" then
      names[word.text:sub(2, -2)] = true
    end
  end
  return names, fields
end

return known
