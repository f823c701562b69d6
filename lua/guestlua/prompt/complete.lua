-- What can follow at the prompt: globals, fields, methods, option keys, the values that an option knows, guests, disks and other objects
-- that exist.
--
-- The line is read up to the cursor, and what was begun there is looked up: a chain of names (and calls, by what the documentation says that they
-- return) from a global on. No code is run for that, other than asking libvirt for names, for a second at most.

local core = require("guestlua.core")
local help = require("guestlua.prompt.help")
local words = require("guestlua.base.words")

local PATIENCE = 1 -- seconds
local DEEPEST = 10 -- locals that are made of others

-- ---- reading the line ----

-- Those of what is typed: a sandbox has its own.
local globals = load("return _G")()

-- A chain is a list of {name=, by="." or ":"} and {call=true}. A frame is an open bracket: {kind, chain (what is called), arg (its number), key (the
-- option that is being given), outer, item (something is begun since the last comma)}.
local function extended(chain, step)
  local copy = table.move(chain or {}, 1, #(chain or {}), 1, {})
  copy[#copy + 1] = step
  return copy
end

-- What a bracket opens or closes, and what separates the items in it.
local function bracket(state, c)
  local frame, chain = state.frame, state.chain
  state.chain = nil
  if c == "(" or c == "{" or c == "[" then
    local calls = frame and frame.kind == "(" and not chain and c == "{"
    local arg = calls and frame.arg or 1
    state.frame = { kind = c, outer = frame, chain = chain or calls and frame.chain, arg = arg, argument = calls or chain ~= nil }
  elseif c == ")" or c == "}" or c == "]" then
    local nested = frame and c == "}" and frame.outer and frame.outer.chain == frame.chain
    local step = frame and frame.kind == "[" and { each = true } or { call = true }
    state.chain = frame and not nested and frame.chain and frame.argument and extended(frame.chain, step) or nil
    state.frame = frame and frame.outer
  elseif frame and (c == "," or c == ";") then
    frame.arg, frame.key = frame.arg + (frame.kind == "(" and 1 or 0), nil
  end
end

-- Where the line ends: {frame, chain (complete before a last "." or ":", or nil), by (that), string (in one: its quote)}.
local function read(line)
  local state, list = {}, words.list(line)
  for i, word in ipairs(list) do
    local by, frame, is_word = state.by, state.frame, word.kind == "name" or word.kind == "keyword"
    state.by = nil
    if is_word and word.ends then
      return { frame = frame, chain = by and state.chain, by = by } -- what is being completed
    elseif is_word and not by and frame and frame.kind == "{" and words.is(list[i + 1], "=") then
      frame.key, state.chain = word.text, nil
    elseif is_word then
      state.chain = word.kind == "name" and extended(by and state.chain, { name = word.text, by = by or "." }) or nil
    elseif word.open then
      return { frame = state.chain and { kind = "(", chain = state.chain, arg = 1, outer = frame } or frame, string = word.open }
    elseif word.kind == "string" then
      state.chain = state.chain and extended(state.chain, { call = true })
    elseif word.text == "." or word.text == ":" then
      state.by = word.text
    else
      bracket(state, word.text)
    end
  end
  return { frame = state.frame, chain = state.by and state.chain, by = state.by }
end

-- ---- local variables ----

-- The chain that begins at word i, as of host:guest("x") in `local guest = host:guest("x")`; nil if there is none.
local function chain_at(list, i)
  if not list[i] or list[i].kind ~= "name" then
    return nil
  end
  local chain = { { name = list[i].text, by = "." } }
  i = i + 1
  while list[i] do
    local word = list[i]
    if (words.is(word, ".") or words.is(word, ":")) and list[i + 1] and list[i + 1].kind == "name" then
      chain[#chain + 1], i = { name = list[i + 1].text, by = word.text }, i + 2
    elseif words.is(word, "(") or words.is(word, "{") or words.is(word, "[") then
      chain[#chain + 1], i = words.is(word, "[") and { each = true } or { call = true }, words.close_of(list, i) + 1
    elseif word.kind == "string" then
      chain[#chain + 1], i = { call = true }, i + 1
    else
      break
    end
  end
  return chain
end

-- The names from word i on, up to what is none; and where that is.
local function names_at(list, i)
  local names = {}
  while list[i] and list[i].kind == "name" do
    names[#names + 1], i = list[i].text, i + 1
    if words.is(list[i], "<") then
      i = i + 3 -- <close>
    end
    if not words.is(list[i], ",") then
      break
    end
    i = i + 1
  end
  return names, i
end

-- The local variables of a text, each with the chain of its value; false: not known.
local function locals_of(text)
  local list, locals = words.list(text), {}
  for i, word in ipairs(list) do
    local is_local, is_for = words.is(word, "local"), words.is(word, "for")
    if is_local or is_for or words.is(word, "function") then
      local at = i + 1
      while words.is(word, "function") and list[at] and not words.is(list[at], "(") do
        at = at + 1
      end
      local names, after = names_at(list, words.is(list[at], "(") and at + 1 or at)
      for _, name in ipairs(names) do
        locals[name] = false
      end
      if is_local and names[1] and words.is(list[after], "=") then
        locals[names[1]] = chain_at(list, after + 1) or false
      elseif is_for and names[2] and words.is(list[after], "in") and words.is(list[after + 1], "ipairs") then
        local chain = chain_at(list, after + 3)
        locals[names[2]] = chain and extended(chain, { each = true }) or false
      end
    end
  end
  return locals
end

-- ---- looking it up ----

-- A field, by what tables hold: no metamethod is called.
local function raw_field(value, name)
  for _ = 1, 8 do
    if type(value) ~= "table" then
      return nil
    end
    local found = rawget(value, name)
    if found ~= nil then
      return found
    end
    local meta = debug.getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index")
  end
end

local locals = {} -- of what is typed

-- One step further than found: to a field, to what a call gives, to a member of a list.
local function follow(found, step)
  local class = found.class or found.value ~= nil and (help.class_in(found.value) or help.class_of(found.value)) or nil
  if step.call then
    local row = found.row or found.value ~= nil and select(2, help.row_of(found.value))
    local result, listed = row and help.class_given(row), row and help.class_listed(row)
    return (result or listed) and { class = result, listed = listed }
  elseif step.each then
    local member = type(found.value) == "table" and rawget(found.value, 1)
    return found.listed and { class = found.listed } or member and { value = member }
  elseif class and help.member(class, step.name) then
    local row = help.member(class, step.name)
    return row.params and { row = row, of = found.value } or { class = help.class_given(row) }
  end
  local value = raw_field(found.value, step.name)
  return value ~= nil and { value = value, row = type(value) == "function" and select(2, help.row_of(value)) or nil }
end

-- What a chain leads to: {value=}, {class=} (something of that class), {listed=} (a list of such), {row=, of= (the method's class)}; or nil.
local function resolve(chain, depth)
  local found, first = { value = globals }, 1
  local name = chain[1] and chain[1].name
  if locals[name] ~= nil then
    depth = (depth or 0) + 1
    found, first = locals[name] and depth < DEEPEST and resolve(locals[name], depth), 2
  end
  for i = first, #chain do
    found = found and follow(found, chain[i])
  end
  return found or nil
end

-- ---- what is offered ----

local function names_of(rows, list)
  for _, row in ipairs(rows) do
    list[#list + 1] = row.name
  end
  return list
end

local function keys_of(value, list)
  for _ = 1, 8 do
    if type(value) ~= "table" then
      break
    end
    for key in next, value do
      if type(key) == "string" and key:find("^[%a_][%w_]*$") then
        list[#list + 1] = key
      end
    end
    local meta = debug.getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index")
  end
  return list
end

-- After a "." or ":".
local function members(chain, by)
  local found, list = chain and resolve(chain), {}
  local class = found and (found.class or found.value ~= nil and help.class_of(found.value))
  if class then
    return names_of(by == "." and class.fields or {}, names_of(help.methods(class), list))
  elseif found and type(found.value) == "table" then
    local class_in = help.class_in(found.value)
    return keys_of(found.value, names_of(class_in and class_in.methods or {}, list))
  elseif found and type(found.value) == "string" then
    return keys_of(string, list)
  elseif by == ":" then
    for _, one in ipairs(help.classes()) do
      names_of(one.methods, list)
    end
  end
  return list
end

local function disks_of(guest)
  local names, devices = {}, require("guestlua").element(guest:get_xml_desc({ timeout = PATIENCE })).devices
  for _, disk in ipairs(devices and devices:children("disk") or {}) do
    names[#names + 1] = disk.target and disk.target.dev
  end
  return names
end

-- What only libvirt knows, by the method that takes it.
local existing = {
  guest = function(host)
    return names_of(host:guests({ timeout = PATIENCE }), {})
  end,
  get_block_device = disks_of,
  get_disk = disks_of,
}
-- By the method that lists them.
for name, list in pairs({ network = "networks", pool = "pools", nwfilter = "nwfilters", interface = "interfaces", node_device = "node_devices",
  volume = "volumes", snapshot_lookup_by_name = "snapshots", checkpoint_lookup_by_name = "checkpoints" }) do
  existing[name] = function(object)
    return names_of(object[list](object, { timeout = PATIENCE }), {})
  end
end

-- Those that mean in a string of Lua's what they are, and that a terminal shows as they are: whoever defines a guest chooses its name, which could
-- end the string and go on with a call.
local function plain(names)
  local list = {}
  for _, name in ipairs(names) do
    list[#list + 1] = not name:find("[\"'\\%]]") and core.escape(name) == name and name or nil
  end
  return list
end

-- Inside a string.
local function strings(frame)
  local outer = frame
  if frame and frame.kind == "{" and not frame.chain and frame.outer then
    outer = frame.outer -- flags = { "…
  end
  local found = outer and outer.chain and resolve(outer.chain)
  if not found or not found.row then
    return {}
  end
  local count = 0
  for _, param in ipairs(found.row.params) do
    count = count + (param.positional and 1 or 0)
    local this = outer.key and param.name == outer.key or not outer.key and param.positional and count == outer.arg
    if this and param.choices then
      return table.move(param.choices, 1, #param.choices, 1, {})
    end
  end
  local ask = outer.kind == "(" and outer.arg == 1 and existing[found.row.name]
  if ask and found.of then
    local ok, names = pcall(ask, found.of)
    return ok and plain(names) or {}
  end
  return {}
end

-- In the table of options of a call: their keys.
local function options(frame, list)
  local found = frame.kind == "{" and frame.argument and not frame.key and frame.chain and resolve(frame.chain)
  for _, param in ipairs(found and found.row and found.row.params or {}) do
    if not param.positional then
      list[#list + 1] = param.name
    end
  end
  return list
end

-- For the terminal: the words that can stand at `start` of the line up to the cursor, and what follows the only one. before:
-- the lines that were typed of the same chunk.
return function(line, start, before)
  local word, text = line:sub(start), (before and before .. "\n" or "") .. line
  local state = read(text)
  locals = locals_of(text:sub(1, #text - #word))
  local list, after
  if state.string then
    list, after = strings(state.frame), state.string
  elseif state.by then
    list = members(state.chain, state.by)
  else
    list = state.frame and options(state.frame, {}) or {}
    after = #list > 0 and "=" or nil
    if #list == 0 then
      list = keys_of(globals, keys_of(locals, table.move(words.keywords, 1, #words.keywords, 1, {})))
    end
  end
  local offered, seen = {}, {}
  for _, name in ipairs(list) do
    if not seen[name] and name:sub(1, #word) == word and (word ~= "" or name:sub(1, 2) ~= "__") then
      seen[name] = true
      offered[#offered + 1] = name
    end
  end
  table.sort(offered)
  return offered, after
end
