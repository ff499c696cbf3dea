/* test_numpy_random.c - the numbers of numpy itself (2.4.6), by its own output: numpy.random.seed(S), then random_sample(), standard_normal() and
 * gamma(shape, 1). */
#include <criterion/criterion.h>

#include "base/numpy_random.h"

Test(numpy_random, units_are_numpys_to_the_last_bit)
{
    static const struct {
        uint32_t seed;
        double units[2];
    } known[] = {{0, {0.5488135039273248, 0.7151893663724195}},
                 {42, {0.3745401188473625, 0.9507143064099162}},
                 {4294967295u, {0.0976320289940138, 0.9123828453026218}}};
    for (int i = 0; i < 3; i++) {
        struct numpy_random random;
        numpy_seed(&random, known[i].seed);
        for (int k = 0; k < 2; k++)
            cr_expect_eq(numpy_unit(&random), known[i].units[k], "seed %u", known[i].seed);
    }
}

Test(numpy_random, normals_come_in_numpys_order)
{
    static const double known[] = {1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458, 1.8675579901499675};
    struct numpy_random random;
    numpy_seed(&random, 0);
    for (int i = 0; i < 5; i++) {
        const double normal = numpy_normal(&random);
        cr_expect_float_eq(normal, known[i], 1e-14);
    }
}

/* The 1000th and the sum of a thousand: after several refills, and after draws that were thrown away. */
Test(numpy_random, gammas_of_every_shape_are_numpys)
{
    static const struct {
        double shape, first[4], last, sum;
    } known[] = {
        {0.25,
         {3.3906805248556e-05, 0.03694186028636633, 0.06306211780311208, 0.005192569528079854},
         1.0041771287574977,
         240.2941608425064},
        {0.5, {0.005822955027179585, 0.19220265421259491, 0.07205948603813278, 0.5212000571033304}, 0.23774315114227398, 470.3723982287319},
        {1, {0.07937690952144451, 1.5137586745587868, 0.5769818641565158, 1.2854185268208107}, 0.016585535984211582, 986.4912047436667},
        {3, {1.9758657874255257, 1.5746905899873225, 2.6700411554944194, 4.697607779401362}, 1.6726979354826332, 2946.6787879286326},
        {50, {62.558591940989494, 46.454826813704464, 44.31165061524474, 49.68122512756315}, 57.04425219707877, 49739.13198011946}};
    for (int i = 0; i < 5; i++) {
        struct numpy_random random;
        double sum = 0, drawn = 0;
        numpy_seed(&random, 7);
        for (int k = 0; k < 1000; k++) {
            drawn = numpy_gamma(&random, known[i].shape);
            sum += drawn;
            if (k < 4)
                cr_expect_float_eq(drawn / known[i].first[k], 1, 1e-13, "shape %g, number %d: %.17g", known[i].shape, k, drawn);
        }
        cr_expect_float_eq(drawn / known[i].last, 1, 1e-13, "shape %g", known[i].shape);
        cr_expect_float_eq(sum / known[i].sum, 1, 1e-12, "shape %g", known[i].shape);
    }
}
