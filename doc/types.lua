-- What an editor with the Lua language server wants to know: every class, method and option, annotated.

local guestlua = require("guestlua")
local classes = require("doc.classes")

local type_named = { -- kinds of arguments and fields
  integers = "integer", names = "string", strings = "string", values = "any", text = "string", ["XML text"] = "string", bytes = "string",
}
local class_named = {}
for _, class in ipairs(classes) do
  class_named[class.name] = "guestlua." .. class.name
end

-- A type of LuaCATS as it is in the source, with the names of classes in full: "Guest?" is guestlua.Guest?.
local function in_full(text)
  return (text:gsub("%f[%w_]%u%w*", class_named))
end

-- The type of an argument, from the name of its kind: string, list of strings, integer or list of names, Element or XML text.
local function type_of(text)
  local list = text:match("^list of (.*)")
  return list and type_of(list) .. "[]" or type_named[text] or in_full(text)
end

local function type_of_param(param)
  local types = {}
  for part in (param.type .. " or "):gmatch("(.-) or ") do
    types[#types + 1] = type_of(part)
  end
  return table.concat(types, "|")
end

local lines = { "---@meta guestlua", "-- Made by `make doc` from the source; changes here are lost." }

local function add(...)
  lines[#lines + 1] = string.format(...)
end

-- "_live_migrate" is LiveMigrate.
local function camel(name)
  return (("_" .. name):gsub("_(%l)", string.upper))
end

local result_classes = {} -- name -> the fields that it was written with

-- The class of the table that a method gives, written before it: guestlua.LiveMigrateResult, or guestlua.GuestGetJobInfoResult if that is taken.
local function add_result_class(class, row)
  local name = camel(row.name)
  if result_classes[name] and result_classes[name] ~= row.fields then
    name = class.name .. name
  end
  if row.fields and not result_classes[name] then
    result_classes[name] = row.fields
    add("\n---@class guestlua.%sResult", name)
    for _, field in ipairs(row.fields) do
      add("---@field %s %s %s", field.name == "…" and "[string]" or field.name, in_full(field.type), field.help)
    end
  end
  return name
end

local function add_returns(row, result_class)
  if row.fields then
    return add("---@return guestlua.%sResult%s", result_class, row.result[1]:match("^table(.*)"))
  end
  for i, one in ipairs(row.result or row.returns and { "any" } or {}) do
    add("---@return %s%s", in_full(one), i == 1 and row.returns and not one:find(" ") and " # " .. row.returns or "")
  end
end

local option_classes = {} -- name -> the fields that it was written with

-- The class of a method's option table, written before the method: guestlua.CommitOptions, or guestlua.HostCommitOptions where that is taken. Most
-- methods have the one option timeout: they share guestlua.CallOptions.
local function add_options(class, row)
  local fields = {}
  for _, p in ipairs(row.params) do
    if not p.positional then
      fields[#fields + 1] = ("---@field %s%s %s %s"):format(p.name, p.required and "" or "?", type_of_param(p), p.help)
    end
  end
  local text = table.concat(fields, "\n")
  if #fields == 0 then
    return nil
  end
  local name = camel(row.name)
  if #fields == 1 and text:find("timeout? number", 1, true) and (option_classes.Call or text) == text then
    name = "Call"
  end
  if option_classes[name] == text then
    return name
  elseif option_classes[name] then
    name = class.name .. name
  end
  option_classes[name] = text
  add("\n---@class guestlua.%sOptions\n%s", name, text)
  return name
end

local function add_method(class, row)
  local result_class = add_result_class(class, row)
  local options = add_options(class, row)
  add("\n---%s", row.help)
  if row.call then
    add("---\n---libvirt: `%s`", row.call)
  end
  local names = {}
  for _, p in ipairs(row.params) do
    if p.positional then
      names[#names + 1] = p.name
      add("---@param %s%s %s %s", p.name, (p.required or p.name == "...") and "" or "?", type_of_param(p), p.help)
    end
  end
  if options then
    names[#names + 1] = "options"
    add("---@param options? guestlua.%sOptions", options)
  end
  add_returns(row, result_class)
  add("function %s%s%s(%s) end", class.name, row.dotted and "." or ":", row.name, table.concat(names, ", "))
end

-- The words that are keys; not the numbers.
local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = type(key) == "string" and key or nil
  end
  table.sort(keys)
  return keys
end

-- The type of one of the module's tables, by what is in it.
local function shape(value)
  local fields, numbers = {}, false
  for key in pairs(value) do
    if type(key) ~= "string" and type(key) ~= "number" then
      return "table"
    end
    numbers = numbers or type(key) == "number"
  end
  for _, key in ipairs(sorted_keys(value)) do
    fields[#fields + 1] = ("%s: %s"):format(key, math.type(value[key]) or type(value[key]))
  end
  return "{ " .. (numbers and "[integer]: string, " or "") .. table.concat(fields, ", ") .. " }"
end

-- What the module has besides functions.
local function add_module_fields()
  for _, name in ipairs(sorted_keys(guestlua)) do
    local value = guestlua[name]
    if name == "device" then
      add("---@field device table<string, fun(fields?: table): guestlua.Element> device.disk{…} is element(\"disk\", {…})")
    elseif type(value) == "table" then
      add("---@field %s %s", name, class_named[name] or shape(value))
    end
  end
  add("---@field default_uri? string what open() takes without an argument: the command's -c")
  add("---@field default_readonly? boolean whether open() is read-only where nothing is said: the command's -r")
end

for _, class in ipairs(classes) do
  local parent = class.in_lua and "" or ": " .. (class_named[class.inherits] or "userdata")
  add("\n---%s\n---@class %s", class.help, class.name == "guestlua" and "guestlua" or "guestlua." .. class.name .. parent)
  for _, field in ipairs(class.fields) do
    add("---@field %s %s %s", field.name, in_full(field.result[1]), field.help)
  end
  if class.name == "Element" then
    add("---@field [string|integer] any its attributes, children and text")
  end
  if class.name == "guestlua" then
    add_module_fields()
    add("guestlua = {}")
  else
    add("local %s = {}", class.name)
  end
  for _, row in ipairs(class.methods) do
    add_method(class, row)
  end
end
add("\nreturn guestlua\n")

return { ["packaging/types/guestlua.lua"] = table.concat(lines, "\n") }
