/*
 * Runs commands in turn, A B C A B C …, so that a machine that is slower for a while is slower for all of them.
 *
 *   spawn ROUNDS NAME COMMAND [ARGUMENT]... [:: NAME COMMAND [ARGUMENT]...]...
 *
 * prints a line for each command of each round: its name, how long it took (ns), its peak memory (KiB) and the first line it printed.
 * Small on purpose: Linux counts the memory of the process that forks as the child's, so a parent in Lua or Python would be measured too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No command may hang the whole measurement. */
#define MAX_SECONDS 60

static long long now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what, const char *name)
{
  fprintf(stderr, "bench: %s: %s\n", name, what);
  exit(1);
}

/* Reads until the command has closed its end, and keeps the first line. */
static void read_answer(int fd, char *line, int size)
{
  char rest[256];
  FILE *f = fdopen(fd, "r");
  if (!f || !fgets(line, size, f))
    *line = '\0';
  line[strcspn(line, "\n")] = '\0';
  while (f && fgets(rest, sizeof rest, f))
    continue;
  if (f)
    fclose(f);
}

static void run(const char *name, char **command)
{
  int output[2], status;
  char text[256];
  struct rusage usage;
  if (pipe(output) != 0)
    fail("no pipe", name);
  long long start = now();
  pid_t child = fork();
  if (child == 0) {
    dup2(output[1], STDOUT_FILENO);
    close(output[0]);
    close(output[1]);
    alarm(MAX_SECONDS); /* an alarm outlives exec */
    execvp(command[0], command);
    _exit(127);
  }
  close(output[1]);
  if (child < 0)
    fail("cannot fork", name);
  read_answer(output[0], text, sizeof text);
  if (wait4(child, &status, 0, &usage) != child || status != 0)
    fail("failed", name);
  long long end = now();
  if (!*text)
    fail("no answer", name);
  printf("%s\t%lld\t%ld\t%s\n", name, end - start, usage.ru_maxrss, text);
}

/* Cuts argv into commands: the "::" that end them become NULL. */
static int split(char **argv, int argc)
{
  int commands = 1;
  for (int i = 0; i < argc; i++)
    if (strcmp(argv[i], "::") == 0) {
      argv[i] = NULL;
      commands++;
    }
  return commands;
}

int main(int argc, char **argv)
{
  if (argc < 4)
    fail("usage: spawn ROUNDS NAME COMMAND... [:: NAME COMMAND...]...", "spawn");
  int commands = split(argv + 2, argc - 2);
  for (int round = 0; round < atoi(argv[1]); round++) {
    char **command = argv + 2;
    for (int i = 0; i < commands; i++) {
      run(command[0], command + 1);
      while (*command)
        command++;
      command++;
    }
  }
  return 0;
}
