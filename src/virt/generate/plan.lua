-- From a function of libvirt's and its row to a plan: what Lua passes, what is passed to libvirt, and what comes back.

local names = require("generate.names")

local plan = {}

-- The classes of Lua by libvirt's types.
local CLASSES = {
  virConnectPtr = "Host", virDomainPtr = "Domain", virDomainSnapshotPtr = "Snapshot", virDomainCheckpointPtr = "Checkpoint",
  virNetworkPtr = "Network",
  virNetworkPortPtr = "NetworkPort", virStoragePoolPtr = "StoragePool", virStorageVolPtr = "StorageVol", virNodeDevicePtr = "NodeDevice",
  virSecretPtr = "Secret", virInterfacePtr = "Interface", virNWFilterPtr = "NWFilter", virNWFilterBindingPtr = "NWFilterBinding",
}
plan.classes = CLASSES

-- What is taken off a function's name, by class; the first that fits.
local PREFIXES = {
  Host = { "virConnect", "virNodeDevice!", "virNode", "virDomain", "vir" }, Domain = { "virDomain" }, Snapshot = { "virDomainSnapshot", "virDomain" },
  Checkpoint = { "virDomainCheckpoint" }, Network = { "virNetwork" }, NetworkPort = { "virNetworkPort" },
  StoragePool = { "virStoragePool", "vir" }, StorageVol = { "virStorageVol", "vir" }, NodeDevice = { "virNodeDevice" }, Secret = { "virSecret" },
  Interface = { "virInterface" }, NWFilter = { "virNWFilter" }, NWFilterBinding = { "virNWFilterBinding" },
}

function plan.class_of(fn)
  return fn.args[1] and CLASSES[fn.args[1].type]
end

-- The newest of a family has the bare name.
function plan.name_of(fn, class, row)
  if row.name then
    return row.name
  end
  for _, prefix in ipairs(PREFIXES[class]) do
    local keeps = prefix:match("^(.*)!$") -- keeps its kind in the name
    local rest = fn.name:sub(1, #(keeps or prefix)) == (keeps or prefix) and fn.name:sub(keeps and 4 or #prefix + 1)
    if rest then
      return names.snake(rest:gsub("WithFlags$", ""):gsub("Flags$", ""))
    end
  end
end

local NUMBERS = { -- what they are in C -> the kind of argument, and the largest
  ["int"] = { "gl_signed", "INT_MAX" }, ["unsigned int"] = { "gl_integer", "UINT_MAX" }, ["unsigned long"] = { "gl_integer", "LONG_MAX" },
  ["unsigned long long"] = { "gl_integer", "0" }, ["size_t"] = { "gl_integer", "0" }, ["long long"] = { "gl_signed", "0" },
}
local OUT = { ["int *"] = "int", ["unsigned int *"] = "unsigned int", ["long long *"] = "long long", ["unsigned long *"] = "unsigned long",
  ["unsigned long long *"] = "unsigned long long" }
local XML = { xml = true, xml_desc = true, xmldesc = true, dxml = true, xml_cpu = true, domain_xml = true, destxml = true, backup_xml = true,
  checkpoint_xml = true }

local function words_of(text)
  local set = {}
  for word in (text or ""):gmatch("%S+") do
    set[word] = true
  end
  return set
end

-- The enumerations that the description names for an argument.
local function enums_in(info, description)
  local list = {}
  for word in info:gmatch("vir%w+") do
    if description.enums[word] and word ~= "virTypedParameterFlags" then
      list[#list + 1] = word
    end
  end
  return list
end

-- The plan of one argument is added to p; returns how many of libvirt's it stands for, or nil: its shape is not known.
local function add_argument(p, fn, row, i, description)
  local arg, after = fn.args[i], fn.args[i + 1]
  local name = row.rename and row.rename[arg.name] or names.snake(arg.name)
  local optional = p.optional[arg.name]
  local function takes(kind, pass, more)
    local a = { name = name, kind = kind, optional = optional }
    for key, value in pairs(more or {}) do
      a[key] = value
    end
    p.arguments[#p.arguments + 1] = a
    p.pass[#p.pass + 1] = pass:gsub("%%", "self->" .. name)
    return a
  end

  local struct = arg.type:match("^(%w+)Ptr$")
  struct = struct and (description.structs[struct] and struct or description.structs[struct .. "Struct"] and struct .. "Struct")
  if arg.name == "flags" then
    p.pass[#p.pass + 1] = "op->args.flags"
    p.flags = row.flags and { row.flags } or enums_in(arg.info, description)
  elseif row.skip == arg.name then
    p.pass[#p.pass + 1] = arg.type:find("%*") and "NULL" or "sizeof self->out"
  elseif arg.type == "const char *" then
    takes(XML[name] and "gl_xml" or name == "password" and "gl_secret" or "gl_string", "%", { type = "const char *" })
  elseif arg.type == "const char **" and after then
    takes("gl_strings", "(const char **)%, gl_count_texts(%)", { type = "char **" })
    return 2
  elseif row.enums and row.enums[arg.name] and not arg.type:find("%*") then
    takes("gl_name", "%", { type = "int", enum = row.enums[arg.name] })
  elseif row.bits and row.bits[arg.name] then
    takes("gl_flags", "(unsigned)%", { type = "long long", bits = row.bits[arg.name] })
  elseif arg.type == "int" and (arg.name == "autostart" or arg.name == "state") then
    takes("gl_boolean", "%", { type = "int" })
  elseif NUMBERS[arg.type] then
    takes(NUMBERS[arg.type][1], "(" .. arg.type .. ")%", { type = "long long", max = NUMBERS[arg.type][2] })
  elseif arg.type == "virTypedParameterPtr" and after and not after.type:find("%*") then
    if not row.params then
      return nil
    end
    takes("gl_params_kind", "%.list, %.count", { type = "gl_params", family = row.params })
    return 2
  elseif arg.type == "virTypedParameterPtr" and after then
    p.result, p.asks_twice = "params", true
    p.pass[#p.pass + 1] = "PARAMS"
    return 2
  elseif arg.type == "virTypedParameterPtr *" and after then
    p.result = "params"
    p.pass[#p.pass + 1] = ("&self->reply.params, (%s)&self->reply.count"):format(after.type)
    return 2
  elseif OUT[arg.type] then
    p.out[#p.out + 1] = { type = OUT[arg.type], name = name, boolean = arg.name == "autostart", enum = row.enums and row.enums[arg.name] }
    p.pass[#p.pass + 1] = "&out" .. #p.out
  elseif arg.type:match("^vir%w+Ptr %*%*$") and CLASSES[arg.type:match("^%w+")] then
    p.result, p.class = "objects", CLASSES[arg.type:match("^%w+")]
    p.list_type = arg.type:match("^%w+")
    p.pass[#p.pass + 1] = "&list"
  elseif arg.type == "char ***" then
    p.result, p.list_type = "texts", "char *"
    p.pass[#p.pass + 1] = "&list"
  elseif arg.type == "char **" and arg.name == "result" then
    p.result, p.text_out = "text", true
    p.pass[#p.pass + 1] = "&self->reply.text"
  elseif struct then
    p.result, p.struct = "struct", struct
    p.struct_type = arg.type:gsub("Ptr$", "")
    p.struct_type = p.struct_type == "virDomainBlockStats" and "struct _virDomainBlockStats"
      or p.struct_type == "virDomainInterfaceStats" and "struct _virDomainInterfaceStats" or p.struct_type
    p.pass[#p.pass + 1] = "&self->out"
  else
    return nil
  end
  return 1
end

-- What libvirt's function returns says what comes back, unless an argument does.
local function add_result(p, fn, row)
  local object = CLASSES[fn.type]
  if object then
    p.result, p.class = "object", object
    p.may_be_missing = fn.name:find("Lookup") or fn.name:find("GetParent$") or fn.name:find("Current$")
  elseif fn.type == "char *" then
    p.result = "text"
  elseif fn.type == "const char *" then
    p.result = "constant"
  elseif fn.type == "unsigned long" or fn.type == "unsigned long long" then
    p.result = "size"
  elseif fn.type ~= "int" then
    return false
  elseif p.result then
    return true
  elseif #p.out > 0 then
    p.result = "numbers"
  elseif row.gives then
    p.result, p.enum = "enum", row.gives
  elseif p.name:find("^is_") or p.name:find("^has_") then
    p.result = "boolean"
  elseif row.result == "integer" or p.name:find("^get_") then
    p.result = "integer"
  else
    p.result = "nothing"
  end
  return true
end

-- The plan of a function, or nil and why there is none.
function plan.make(fn, class, row, description)
  local p = {
    fn = fn, row = row, owner = class, name = plan.name_of(fn, class, row), arguments = {}, pass = {}, out = {}, optional = words_of(row.optional),
  }
  local i = 2
  while i <= #fn.args do
    local count = add_argument(p, fn, row, i, description)
    if not count then
      return nil, ("its argument %s is of a shape that is not known: %s"):format(fn.args[i].name, fn.args[i].type)
    end
    i = i + count
  end
  if not add_result(p, fn, row) then
    return nil, "what it returns is of a shape that is not known: " .. fn.type
  end
  local kind = row[1]
  p.changes = kind ~= "look" and kind ~= "read"
  p.lane = row.lane == "agent" and "AGENT" or kind == "end" and "END" or kind == "change" and "CHANGE" or "BESIDE"
  p.memory = p.result == "constant" and not p.changes
  p.owns = p.result == "text" or p.result == "texts" or p.result == "object" or p.result == "objects" or p.result == "params"
  for _, a in ipairs(p.arguments) do
    p.owns = p.owns or a.kind == "gl_params_kind"
    p.keeps = p.keeps or a.kind == "gl_strings"
  end
  p.quick = kind == "look" and not p.keeps
  return p
end

-- All that is generated for a class: a list of plans, and a list of functions that cannot be, with why.
function plan.of_class(table_, description)
  local taken, plans, left = {}, {}, {}
  for _, key in ipairs({ "hand", "superseded", "missing" }) do
    for name in pairs(table_[key] or {}) do
      taken[name] = true
    end
  end
  for _, name in ipairs(table_.infrastructure or {}) do
    taken[name] = true
  end
  for _, fn in ipairs(description.functions) do
    if plan.class_of(fn) == table_.class and not taken[fn.name] then
      local row = table_.rows[fn.name] or { "change", "A function of libvirt's that is newer than this guestlua." }
      local made, why = plan.make(fn, table_.class, row, description)
      if made then
        plans[#plans + 1] = made
      else
        left[#left + 1] = { name = fn.name, why = why }
      end
    end
  end
  return plans, left
end

return plan
