-- The words of a Lua source, for guestlua --check and for completion at the prompt.

local words = { keywords = {} }

local keyword = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch("%a+") do
  keyword[word] = true
  words.keywords[#words.keywords + 1] = word
end

-- A string in quotes, to its end or the end of the source.
local function quoted(source, at)
  local quote, last = source:sub(at, at), at + 1
  while last <= #source and source:sub(last, last) ~= quote do
    last = last + (source:find("^\\z", last) and #source:match("^\\z%s*", last) or source:sub(last, last) == "\\" and 2 or 1)
  end
  return source:sub(at, last), last > #source and quote or nil
end

-- The words of a source: a list of {kind = "name", "keyword", "string", "other"; text=, line=; ends: the source ends with it; open: the quote of an
-- unclosed string}.
function words.list(source)
  local list, at, line = {}, 1, 1
  while at <= #source do
    local kind, text, open = "space", source:match("^%s+", at), nil
    local level = not text and (source:match("^%-%-%[(=*)%[", at) or source:match("^%[(=*)%[", at))
    if level then
      kind = source:find("^%-%-", at) and "space" or "string"
      local _, last = source:find("]" .. level .. "]", at, true)
      text = source:sub(at, last or #source)
    elseif not text and source:find("^%-%-", at) then
      text = source:match("^[^\n]*", at)
    elseif not text and source:find("^[\"']", at) then
      kind = "string"
      text, open = quoted(source, at)
    elseif not text and source:find("^[%a_]", at) then
      text = source:match("^[%w_]+", at)
      kind = keyword[text] and "keyword" or "name"
    elseif not text then
      kind = "other"
      text = source:match("^%.?%d[%w%.]*", at) or source:match("^%.%.%.?", at) or source:match("^::", at) or source:match("^[=~<>]=", at)
        or source:sub(at, at)
    end
    if kind ~= "space" then
      list[#list + 1] = { kind = kind, text = text, line = line, ends = at + #text > #source, open = open }
    end
    line = line + select(2, text:gsub("\n", ""))
    at = at + #text
  end
  return list
end

words.closing = { ["("] = ")", ["{"] = "}", ["["] = "]" }

-- The index of the bracket that closes the one at i.
function words.close_of(list, i)
  local depth = 0
  for at = i, #list do
    local word = list[at]
    if word.kind == "other" and words.closing[word.text] then
      depth = depth + 1
    elseif word.kind == "other" and (word.text == ")" or word.text == "}" or word.text == "]") then
      depth = depth - 1
      if depth == 0 then
        return at
      end
    end
  end
  return #list
end

function words.is(word, text)
  return word ~= nil and word.kind ~= "string" and word.text == text
end

-- The keys of the table between the brackets, without those of nested tables.
function words.keys_in(list, first, last)
  local keys, i = {}, first + 1
  while i < last do
    local word, before = list[i], list[i - 1]
    if word.kind == "name" and words.is(list[i + 1], "=") and (words.is(before, "{") or words.is(before, ",") or words.is(before, ";")) then
      keys[#keys + 1] = word
    elseif word.kind == "other" and words.closing[word.text] then
      i = words.close_of(list, i)
    elseif words.is(word, "function") then
      return keys -- the rest after its body is not examined
    end
    i = i + 1
  end
  return keys
end

-- The first and the last word of the argument of that number of the call at i; nil: it has none, or one that is not plain.
function words.argument(list, i, number)
  if list[i].kind == "string" or words.is(list[i], "{") then
    return number == 1 and i or nil, number == 1 and (list[i].kind == "string" and i or words.close_of(list, i)) or nil
  end
  local last, at, count = words.close_of(list, i), i + 1, 1
  local first = at
  while at < last do
    local word = list[at]
    if words.is(word, "function") then
      return nil
    elseif words.is(word, ",") and count == number then
      return first, at - 1
    elseif words.is(word, ",") then
      count, first = count + 1, at + 1
    elseif word.kind == "other" and words.closing[word.text] then
      at = words.close_of(list, at)
    end
    at = at + 1
  end
  return count == number and first < last and first or nil, last - 1
end

-- The words of which an argument consists: one, or the first ones of the values of a list. first: nil for no argument.
function words.listed(list, first, last)
  local found = { first == last and list[first] or nil }
  if first and words.is(list[first], "{") and words.close_of(list, first) == last then
    for at = first + 1, last - 1 do
      found[#found + 1] = (at == first + 1 or words.is(list[at - 1], ",")) and list[at] or nil
    end
  end
  return found
end

-- The bracket of the table that is the argument of that number, and the last one, of the call at i.
function words.table_argument(list, i, number)
  if words.is(list[i], "{") then
    return number == 1 and i or nil
  elseif not words.is(list[i], "(") then
    return nil
  end
  local last, at, count = words.close_of(list, i), i + 1, 1
  while at < last do
    local word = list[at]
    if count == number and words.is(word, "{") and (words.is(list[at - 1], ",") or at == i + 1) and words.close_of(list, at) == last - 1 then
      return at
    elseif word.kind == "other" and words.closing[word.text] then
      at = words.close_of(list, at)
    elseif words.is(word, ",") then
      count = count + 1
    elseif words.is(word, "function") then
      return nil
    end
    at = at + 1
  end
end

return words
