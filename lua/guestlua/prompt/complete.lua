-- What can follow at the prompt: globals, fields, methods, option keys, the values that an option knows, guests and disks that exist.
--
-- The line is read up to the cursor, and what was begun there is looked up: a chain of names (and calls, by what the documentation says that they
-- return) from a global on. No code is run for that, other than asking libvirt for names, for a second at most.

local help = require("guestlua.prompt.help")
local words = require("guestlua.base.words")

local PATIENCE = 1 -- seconds

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
    state.chain = frame and not nested and frame.kind ~= "[" and frame.chain and frame.argument and extended(frame.chain, { call = true }) or nil
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

-- What a chain leads to: {value=}, {class=} (something of that class), {row=, of= (what the method is called on)}; or nil.
local function resolve(chain)
  local found = { value = globals }
  for _, step in ipairs(chain) do
    local class = found.class or found.value ~= nil and (help.class_in(found.value) or help.class_of(found.value)) or nil
    if step.call then
      local row = found.row or found.value ~= nil and select(2, help.row_of(found.value))
      local result = row and help.class_given(row)
      found = result and { class = result }
    elseif class and help.member(class, step.name) then
      local row = help.member(class, step.name)
      found = row.params and { row = row, of = found.value } or { class = help.class_given(row) }
    else
      local value = raw_field(found.value, step.name)
      found = value ~= nil and { value = value, row = type(value) == "function" and select(2, help.row_of(value)) or nil }
    end
    if not found then
      return nil
    end
  end
  return found
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
    return names_of(by == "." and class.fields or {}, names_of(class.methods, list))
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
    return ok and names or {}
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

-- For the terminal: the words that can stand at `start` of the line up to the cursor, and what follows the only one.
return function(line, start)
  local state, word = read(line), line:sub(start)
  local list, after
  if state.string then
    list, after = strings(state.frame), state.string
  elseif state.by then
    list = members(state.chain, state.by)
  else
    list = state.frame and options(state.frame, {}) or {}
    after = #list > 0 and "=" or nil
    if #list == 0 then
      list = keys_of(globals, table.move(words.keywords, 1, #words.keywords, 1, {}))
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
