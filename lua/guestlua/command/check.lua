-- guestlua --check: compiles scripts without running them, and looks for guestlua's names that are misspelt.
--
-- What a variable holds is followed as far as it is plain to see: local host = guestlua.open(), local guest = host:guest("web"). Of what is known to
-- be guestlua's every unknown method and option is reported; of the rest only what nearly is one of its names, and is none that the script makes.

local choices = require("guestlua.command.choices")
local core = require("guestlua.core")
local help = require("guestlua.prompt.help")
local known = require("guestlua.command.known")
local spelling = require("guestlua.base.spelling")
local words_in = require("guestlua.base.words")

local close_of, is, nearest = words_in.close_of, words_in.is, spelling.nearest
local keys_in, table_argument = words_in.keys_in, words_in.table_argument

local FEW = 24 -- methods of a class that are all named

local function names_of(rows)
  local names = {}
  for i, row in ipairs(rows) do
    names[i] = row.name
  end
  return names
end

-- ---- following values ----

local Check = {}
Check.__index = Check

function Check:report(word, ...)
  self.problems[#self.problems + 1] = ("%s:%d: %s"):format(self.path, word.line, string.format(...))
end

function Check:find(name)
  for i = #self.scopes, 1, -1 do
    if self.scopes[i][name] then
      return self.scopes[i][name]
    end
  end
end

-- What a field or a method of it is.
local function member(found, by, word)
  if found.class then
    local row = help.member(found.class, word.text)
    if row and row.params then
      return { row = row }
    end
    local class = row and help.class_given(row)
    return class and { class = class }
  elseif not found.value then
    return nil
  end
  local owner = help.class_in(found.value)
  local row = owner and by == "." and help.member(owner, word.text)
  if row then
    return { row = row }
  end
  local value = type(found.value) == "table" and rawget(found.value, word.text)
  return type(value) == "table" and { value = value } or nil
end

-- What begins at i: {value=} for tables and functions of the module, {class=} for an object of guestlua's, {row=} for a method, {list=} for a list of
-- objects, {record=} for a table with those fields; or nil; and where it ends.
function Check:follow(i)
  local words, found = self.words, nil
  local name = words[i]
  if not name or name.kind ~= "name" then
    return nil, i
  elseif (name.text == "assert" or name.text == "require") and not self:find(name.text) and is(words[i + 1], "(") then
    local last = close_of(words, i + 1)
    if name.text == "require" then
      return words[i + 2].text:find("^.guestlua.$") and { value = require("guestlua") } or nil, last
    end
    return (self:follow(i + 2)), last
  end
  local variable = self:find(name.text)
  if variable then
    found = variable.found
  elseif name.text == "guestlua" then
    found = { value = require("guestlua") }
  end
  i = i + 1
  while found do
    local word, field = words[i], words[i + 1]
    if (is(word, ".") or is(word, ":")) and field.kind == "name" then
      found = member(found, word.text, field)
      i = i + 2
    elseif word and (is(word, "(") or is(word, "{") or word.kind == "string") then
      found = known.given(found.row)
      i = word.kind == "string" and i + 1 or close_of(words, i) + 1
    elseif is(word, "[") and found.list then
      found, i = { class = found.list }, close_of(words, i) + 1
    else
      break
    end
  end
  return found, i - 1
end

-- ---- looking ----

-- The options that a row knows, and the number of the argument that they are; nil if it takes no table of them.
local function options_of(row)
  local names, positional = {}, 0
  for _, param in ipairs(row.params) do
    if param.name == "..." then
      return nil
    elseif param.positional then
      positional = positional + 1
    else
      names[#names + 1] = param.name
      names[param.name] = true
    end
  end
  return names, positional + 1
end

-- The options of a call with its bracket at i. Where several rows may be meant the key must be none of any.
function Check:options(rows, certain, i)
  local words, all, at = self.words, {}, nil
  for _, row in ipairs(rows) do
    local names, number = options_of(row)
    local here = names and table_argument(words, i, number)
    if not here then
      return -- this one may be meant, and takes it otherwise
    end
    at = here
    for _, name in ipairs(names) do
      all[#all + 1], all[name] = name, true
    end
  end
  for _, key in ipairs(at and keys_in(words, at, close_of(words, at)) or {}) do
    local near = not all[key.text] and nearest(key.text, all)
    if near then
      self:report(key, "%s has no option '%s'; '%s'?", rows[1].name, key.text, near)
    elseif not all[key.text] and certain then
      self:report(key, "%s has no option '%s'; the options are: %s", rows[1].name, key.text, table.concat(all, ", "))
    end
  end
end

-- All arguments of a call of what is known.
function Check:arguments(row, i)
  choices(self, row, i)
  return self:options({ row }, true, i)
end

-- A call of name, on what is known or not; i is where its arguments begin.
function Check:call(found, by, name, i)
  local class, owner = found and found.class, found and found.value and by == "." and help.class_in(found.value)
  local row = class and by == ":" and help.member(class, name.text) or owner and help.member(owner, name.text)
  if row and row.params and not self.own_fields[name.text] then -- a variable may have its name: local pool = host:pool("images")
    return self:arguments(row, i)
  elseif self.own[name.text] or row and row.params then
    return
  elseif class and by == ":" then
    if class.name ~= "Element" then -- that has the fields that the XML has
      local names = names_of(help.methods(class))
      local near = nearest(name.text, names)
      local all = #names <= FEW and "; it has: " .. table.concat(names, ", ") or ("; help(%s) lists what it has"):format(class.name)
      self:report(name, "%s has no method '%s'%s", class.name, name.text, near and ("; '%s'?"):format(near) or all)
    end
  elseif owner then
    if rawget(found.value, name.text) == nil then
      local names = names_of(owner.methods)
      local near = nearest(name.text, names)
      self:report(name, "%s has no function '%s'%s", owner.path, name.text,
        near and ("; '%s'?"):format(near) or #names <= FEW // 2 and "; it has: " .. table.concat(names, ", ") or "")
    end
  elseif not found and by == ":" and not known.foreign[name.text] then
    local rows, all = known.methods(name.text)
    if rows then
      return self:options(rows, false, i)
    end
    local near = #name.text >= 6 and nearest(name.text, all)
    if near and spelling.distance(name.text, near) == 1 then
      self:report(name, "no method '%s'; '%s'?", name.text, near)
    end
  end
end

-- Whether reading a name that it has not raises: C's objects do, as do the module and its tables.
local function is_strict(found, class, name)
  if found.class then
    return not class.in_lua and class.name ~= "Error"
  end
  return not pcall(function()
    return found.value[name]
  end)
end

-- A field that is read, of what is known: a misspelt one would raise when the script comes there.
function Check:field(found, name, after)
  if found.record then
    local near = not self.own[name.text] and not known.has(names_of(found.record), name.text) and nearest(name.text, names_of(found.record))
    return near and self:report(name, "the result has no field '%s'; '%s'?", name.text, near)
  end
  local class = found.class or help.class_in(found.value)
  if self.own[name.text] or found.class and class.name == "Element" or not class and type(found.value) ~= "table" then
    return
  elseif class and help.member(class, name.text) or found.value and (rawget(found.value, name.text) ~= nil or is(after, "=")) then
    return
  end
  local names = class and names_of(class.methods) or {}
  for _, row in ipairs(class and class.fields or {}) do
    names[#names + 1] = row.name
  end
  for key in next, found.value or {} do
    names[#names + 1] = type(key) == "string" and key or nil
  end
  table.sort(names)
  local near = nearest(name.text, names)
  if near or is_strict(found, class, name.text) then
    self:report(name, "%s has nothing of the name '%s'%s", class and (class.path or class.name) or "the table", name.text,
      near and ("; '%s'?"):format(near) or "")
  end
end

-- All variables of the innermost scope from here on: names, and what the first of them holds.
function Check:declare(names, found, scope)
  scope = scope or self.scopes[#self.scopes]
  for i, name in ipairs(names) do
    scope[name] = { found = i == 1 and found or nil }
  end
end

-- What the expression at i holds, if it is nothing more than that.
function Check:expression(i)
  local found, last = self:follow(i)
  local after = self.words[last + 1]
  local ends = not after or after.kind ~= "other" or is(after, ";") or is(after, ",") or is(after, ")")
  return ends and not is(after, "and") and found or nil
end

-- The names in a list that begins at i: a, b <close>; and where it ends.
function Check:list(i)
  local words, names = self.words, {}
  while words[i] and words[i].kind == "name" or is(words[i], "...") do
    names[#names + 1] = words[i].text
    i = i + (is(words[i + 1], "<") and 4 or 1)
    if not is(words[i], ",") then
      break
    end
    i = i + 1
  end
  return names, i
end

function Check:step(i)
  local words = self.words
  local word, after = words[i], words[i + 1]
  if is(word, "end") or is(word, "until") or is(word, "elseif") or is(word, "else") then
    table.remove(self.scopes)
  end
  if is(word, "then") or is(word, "else") or is(word, "repeat") or is(word, "do") then
    self.scopes[#self.scopes + 1] = self.pending or {}
    self.pending = nil
  elseif is(word, "function") then
    local at = i + 1
    while not is(words[at], "(") do
      at = at + 1
    end
    self.scopes[#self.scopes + 1] = {}
    self:declare((self:list(at + 1)))
    self:declare({ "self" })
  elseif is(word, "local") and is(after, "function") then
    self:declare({ words[i + 2].text })
  elseif is(word, "local") then
    local names, at = self:list(i + 1)
    local found = is(words[at], "=") and self:expression(at + 1) or nil
    self.later = { at = self:statement_end(at), names = names, found = found }
  elseif is(word, "for") then
    local names, at = self:list(i + 1)
    local inner = is(words[at], "in") and is(words[at + 1], "ipairs") and is(words[at + 2], "(") and self:follow(at + 3)
    self.pending = {}
    self:declare(names, nil, self.pending)
    if inner and inner.list and names[2] then
      self.pending[names[2]] = { found = { class = inner.list } }
    end
  elseif word.kind == "name" and is(after, "=") and not is(words[i - 1], ".") and self:find(word.text) then
    local variable, found = self:find(word.text), self:expression(i + 2)
    if not found or not variable.found or found.class ~= variable.found.class then
      variable.found = nil
    end
  end
  local called = words[i + 2]
  if (is(word, ":") or is(word, ".")) and after and after.kind == "name" and called
    and (called.kind == "string" or is(called, "(") or is(called, "{")) then
    self:call(self.receivers[i], word.text, after, i + 2)
  end
  if word.kind == "name" and not is(words[i - 1], ".") and not is(words[i - 1], ":") then
    self:note(i)
  end
end

-- A local variable is there from behind its expression on: the first word that cannot belong to it.
function Check:statement_end(i)
  local found, last = self:follow(i + 1)
  return found and last or i
end

-- What stands before each "." and ":" of the chain of names and calls that begins at i.
function Check:note(i)
  local words, at = self.words, i
  local variable = self:find(words[i].text)
  local found = variable and variable.found or not variable and words[i].text == "guestlua" and { value = require("guestlua") } or nil
  at = at + 1
  while words[at] do
    local word, field = words[at], words[at + 1]
    if (is(word, ".") or is(word, ":")) and field and field.kind == "name" then
      self.receivers[at] = found
      local called = words[at + 2]
      if found and is(word, ".") and not (called and (called.kind == "string" or is(called, "(") or is(called, "{"))) then
        self:field(found, field, called)
      end
      found = found and member(found, word.text, field)
      at = at + 2
    elseif found and (is(word, "(") or is(word, "{") or word.kind == "string") then
      found = known.given(found.row)
      at = word.kind == "string" and at + 1 or close_of(words, at) + 1
    elseif found and found.list and is(word, "[") then
      found, at = { class = found.list }, close_of(words, at) + 1
    else
      break
    end
  end
end

-- What is wrong with the names in a source that compiles: a list of lines.
local function misspelt(path, source)
  local words = words_in.list((source:gsub("^#[^\n]*", "")))
  local own, own_fields = known.own_names(words)
  local check = setmetatable({ path = path, problems = {}, words = words, own = own, own_fields = own_fields, scopes = { {} }, receivers = {} },
    Check)
  for i = 1, #check.words do
    check:step(i)
    if check.later and i >= check.later.at then
      check:declare(check.later.names, check.later.found)
      check.later = nil
    end
  end
  return check.problems
end

local check = { misspelt = misspelt }
-- Checks the scripts; returns the exit code.
function check.main(...)
  if not ... then
    io.stderr:write("guestlua: --check needs a script\n")
    return 2
  end
  local failed = false
  for _, path in ipairs({ ... }) do
    local file, message = io.open(path)
    local source = file and file:read("a")
    local problems
    if source then
      local chunk, wrong = load(source:gsub("^#[^\n]*", ""), "@" .. path, "t")
      problems = chunk and misspelt(path, source) or { wrong }
    end
    for _, problem in ipairs(problems or { message or path .. ": cannot be read" }) do
      io.stderr:write(core.printable(problem), "\n")
      failed = true
    end
  end
  return failed and 1 or 0
end

return check
