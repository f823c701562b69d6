-- libvirt's description of itself (libvirt-api.xml), as tables: functions, enumerations, structs, and the names of typed parameters.

local description = {}

local function attribute(text, name)
  return text:match("%f[%w]" .. name .. "='([^']*)'")
end

local function functions(text, into)
  for head, body in text:gmatch("<function (name=[^>]-)>(.-)</function>") do
    local args = {}
    for arg in body:gmatch("<arg (.-)/>") do
      args[#args + 1] = { name = attribute(arg, "name"), type = attribute(arg, "type"), info = attribute(arg, "info") or "" }
    end
    local ret = body:match("<return (.-)/>") or ""
    local name, rights = attribute(head, "name"), nil
    for check in body:gmatch("<check (.-)/>") do -- of descriptions from 9.4 on; with `flags` it needs the right only if they are given
      rights = rights or {}
      rights[#rights + 1] = not attribute(check, "flags") and attribute(check, "perm") or nil
    end
    into[#into + 1] = {
      name = name, version = attribute(head, "version"), args = args, type = attribute(ret, "type") or "void", info = attribute(ret, "info") or "",
      rights = rights,
    }
    into[name] = into[#into]
  end
end

-- The types of callbacks: a list of arguments, and `type`, what it returns, by the name of the type.
local function callbacks(text)
  local list = {}
  for head, body in text:gmatch("<functype (name=[^>]-)>(.-)</functype>") do
    local one = { type = attribute(body:match("<return (.-)/>") or "", "type") or "void" }
    for arg in body:gmatch("<arg (.-)/>") do
      one[#one + 1] = { name = attribute(arg, "name"), type = attribute(arg, "type") }
    end
    list[attribute(head, "name")] = one
  end
  return list
end

-- Enumerations: a list of { name =, value = (a number), info = } by the name of the type, in the order of the values. Values that are the names of
-- others are resolved; what counts the others, the highest, is left out if it is called _LAST: VIR_NETWORK_UPDATE_COMMAND_ADD_LAST is not that.
local function enums(text)
  local values, types = {}, {}
  for entry in text:gmatch("<enum (.-)/>") do
    local name, type = attribute(entry, "name"), attribute(entry, "type")
    values[name] = attribute(entry, "value")
    if type then
      types[type] = types[type] or {}
      table.insert(types[type], { name = name, info = attribute(entry, "info") or "" })
    end
  end
  for _, list in pairs(types) do
    for _, one in ipairs(list) do
      local value = values[one.name]
      while values[value] do
        value = values[value]
      end
      one.value = math.tointeger(tonumber(value)) or 0
    end
    table.sort(list, function(a, b)
      return a.value == b.value and a.name < b.name or a.value < b.value
    end)
    for i = #list, 1, -1 do
      if list[i].value == list[#list].value and list[i].name:find("_LAST$") then
        table.remove(list, i)
        break
      end
    end
  end
  return types
end

local ENTITIES = { gt = ">", lt = "<", amp = "&", quot = '"', apos = "'" }

-- A text for people, on one line.
local function plain(info)
  return (info:gsub("&(%l+);", ENTITIES):gsub("^/%*", ""):gsub("%*/$", ""):gsub("%s+", " "):gsub("^ ", ""):gsub("[ .]+$", ""))
end

-- Structs: a list of { name =, type =, info = } by the name of the type, without what is reserved.
local function structs(text)
  local list = {}
  for head, body in text:gmatch("<struct (name=[^/>]-)>(.-)</struct>") do
    local fields = {}
    for field in body:gmatch("<field (.-)/>") do
      fields[#fields + 1] = { name = attribute(field, "name"), type = attribute(field, "type"), info = plain(attribute(field, "info") or "") }
    end
    list[attribute(head, "name")] = fields
  end
  return list
end

local TYPES = { string = "STRING", llong = "LLONG", ullong = "ULLONG", int = "INT", uint = "UINT", boolean = "BOOLEAN", double = "DOUBLE" }

-- "…, as a ullong.", "(VIR_TYPED_PARAM_UINT)", "as unsigned long long"
local function type_in(info)
  info = info:gsub("%s+", " "):gsub("unsigned long long", "ullong"):gsub("unsigned int", "uint"):gsub("long long", "llong")
  return TYPES[info:match(" as an? (%l+)[^%l]") or info:match(" as (%l+)[^%l]")] or TYPES[(info:match("VIR_TYPED_PARAM_(%u+)") or ""):lower()]
end

-- The names of typed parameters: { constant =, name =, type = "ULLONG" (as far as the text says so) }, by constant.
local function parameters(text)
  local list = {}
  for head, body in text:gmatch("<macro (name=[^>]-)>(.-)</macro>") do
    local value = attribute(head, "string")
    if value then
      list[#list + 1] = { constant = attribute(head, "name"), name = value, type = type_in(body:match("%[CDATA%[(.-)%]%]") or "") }
    end
  end
  return list
end

-- All that the files say.
function description.read(paths)
  local texts = {}
  for i, path in ipairs(paths) do
    local file <close> = assert(io.open(path))
    texts[i] = file:read("a")
  end
  local text = table.concat(texts, "\n")
  local all = { functions = {}, enums = enums(text), structs = structs(text), parameters = parameters(text),
    callbacks = callbacks(text) }
  functions(text, all.functions)
  table.sort(all.functions, function(a, b)
    return a.name < b.name
  end)
  return all
end

return description
