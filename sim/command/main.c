/* main.c - entry point: finds the command and prints the one error there may be. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc;
    fprintf(stderr, "%s: no commands yet\n", argv[0]);
    return 2;
}
