/* clock.h: seconds that never go back. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

double clock_seconds(void);              /* monotonic */
double clock_process_seconds(void);      /* processor time of all threads */

#endif
