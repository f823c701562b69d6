-- Which hosts a fleet has: a list, a file with a host a line, or what ansible-inventory says. What is wrong in it is named, and the others count.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local json_for = require("guestlua.base.json")

local inventory = {}

local function problem(list, name, message, more)
  local fields = { kind = "bad_argument", op = "fleet", argument = name, message = message }
  for key, value in pairs(more or {}) do
    fields[key] = value
  end
  table.insert(list, { name = name, error = core.Error.new(fields) })
end

-- Adds a host, unless it is there already or is none.
local function add(hosts, problems, where, name, uri, groups)
  if uri == nil then
    return problem(problems, where, "it has no URI")
  elseif type(uri) ~= "string" or not uri:find("^[%w+.-]+://") or uri:find("[%z%s]") then
    return problem(problems, where, ("'%s' is no URI of libvirt's"):format(core.mask((tostring(uri):gsub("%z", " ")))))
  elseif type(name) ~= "string" or name == "" or name:find("%c") then
    return problem(problems, where, "a host's name is a text without control characters")
  end
  for _, other in ipairs(hosts) do
    if other.name == name or other.uri == uri then
      return problem(problems, where, ("%s is there already, as '%s'"):format(other.name == name and "the name" or "the URI", other.name))
    end
  end
  hosts[#hosts + 1] = { name = name, uri = uri, groups = groups }
end

-- What people call the host of a URI: its machine, or the URI itself if that is this one.
local function name_of(uri)
  local machine = tostring(uri):match("^[%w+.-]+://[^/]*@(%[?[^/]+)") or tostring(uri):match("^[%w+.-]+://([^/@]+)")
  return machine or uri
end

local function from_list(list, hosts, problems)
  for i, one in ipairs(list) do
    local uri, name = one, nil
    if type(one) == "table" then
      uri, name = one.uri, one.name
    end
    add(hosts, problems, ("host %d"):format(i), name or name_of(uri), uri)
  end
end

local function from_file(path, hosts, problems)
  local file, message = io.open(path)
  local opened <close> = file -- luacheck: ignore opened
  local text
  if file then
    text, message = file:read("a") -- of a directory only this fails
    message = message and ("%s: %s"):format(path, message)
  end
  if not text then
    error(core.Error.new({ kind = "system_error", op = "fleet", message = "cannot read the inventory: " .. message }), 0)
  end
  local number = 0
  text = text:gsub("^\xEF\xBB\xBF", "") -- some editors begin with that
  for line in text:gmatch("([^\n]*)\n?") do
    number = number + 1
    local words = {}
    for word in line:gsub("#.*$", ""):gmatch("%S+") do
      words[#words + 1] = word
    end
    local where = ("%s:%d"):format(path, number)
    if #words > 2 then
      problem(problems, where, "NAME URI expected, or a URI alone")
    elseif #words > 0 then
      add(hosts, problems, where, words[2] and words[1] or name_of(words[1]), words[#words])
    end
  end
end

-- ---- Ansible's ----

-- The variable guestlua_uri; or what Ansible itself would connect to.
local function uri_of(name, variables)
  if variables.guestlua_uri then
    return variables.guestlua_uri
  elseif variables.ansible_connection == "local" then
    return "qemu:///system"
  end
  local machine, user, port = variables.ansible_host or name, variables.ansible_user, variables.ansible_port
  machine = tostring(machine):find(":", 1, true) and ("[%s]"):format(machine) or machine
  return ("qemu+ssh://%s%s%s/system"):format(user and user .. "@" or "", machine, port and ":" .. tostring(port) or "")
end

-- The groups of each host, with those around them.
local function groups_of(all)
  local of = {}
  local function walk(group, names)
    local this = type(all[group]) == "table" and all[group] or {}
    local inside = table.move(names, 1, #names, 1, {})
    inside[#inside + 1] = group ~= "all" and group ~= "ungrouped" and group or nil
    for _, host in ipairs(this.hosts or {}) do
      of[host] = of[host] or {}
      for _, name in ipairs(inside) do
        of[host][name] = true
      end
    end
    for _, child in ipairs(#inside < 32 and this.children or {}) do -- Ansible has no circles
      walk(child, inside)
    end
  end
  walk("all", {})
  return of
end

local function from_ansible(source, hosts, problems)
  local json = json_for("fleet", "an Ansible inventory")
  local arguments = { "ansible-inventory", "--list" }
  if source ~= "" then
    table.move({ "-i", source }, 1, 2, 3, arguments)
  end
  local code, output, errors = core.run(arguments, { ANSIBLE_NOCOLOR = "1" }, nil, nil, 120)
  if code ~= 0 then
    error(core.Error.new({ kind = "system_error", op = "fleet", message = "ansible-inventory: " .. core.mask(tostring(errors or output)),
      hint = not code and "Debian has it in ansible-core" or nil }), 0)
  end
  local unread = errors:match("[^\n]*[Uu]nable to parse.*")
  if unread then -- it goes on with what it can read
    problem(problems, source, "ansible-inventory: " .. core.mask((unread:gsub("%s+", " "))))
  end
  local all, _, why = json.decode(output, 1, nil)
  if type(all) ~= "table" or type(all._meta) ~= "table" then
    error(core.Error.new({ kind = "system_error", op = "fleet", message = "ansible-inventory gave no inventory: " .. tostring(why) }), 0)
  end
  local groups, names = groups_of(all), {}
  for name in pairs(groups) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local list = {}
    for group in pairs(groups[name]) do
      list[#list + 1] = group
    end
    table.sort(list)
    add(hosts, problems, name, name, uri_of(name, (all._meta.hostvars or {})[name] or {}), list)
  end
end

-- The hosts, each { name, uri, groups }, and what is wrong with the others, each { name, error }. source: a list, or the path of a file; ansible: it
-- is one of Ansible's, and "" is Ansible's own default.
function inventory.read(source, ansible)
  local hosts, problems = {}, {}
  if type(source) == "table" then
    from_list(source, hosts, problems)
  elseif type(source) ~= "string" then
    define.bad("fleet", "hosts", "list or path expected, got " .. core.type_name(source))
  elseif ansible then
    from_ansible(source, hosts, problems)
  else
    from_file(source, hosts, problems)
  end
  if type(source) == "string" and #hosts + #problems == 0 then
    problem(problems, source ~= "" and source or "ansible-inventory", "there is no host in it")
  end
  return hosts, problems
end

return inventory
