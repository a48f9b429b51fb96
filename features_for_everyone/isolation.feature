@cluster
Feature: The application keeps to itself
  As an operator
  I want the application to call nobody but whom it needs, and to share nothing with its machine
  so that neither data nor a machine is given away.

  Scenario: It calls nobody outside but whom it is described to use
    Given a cluster with no way out but to whom the application is described to use
    And the application is installed by its chart
    Then the application has called nobody outside but its database and the services that it is described to use

  Scenario: A call of anybody else is noticed
    Given a cluster with no way out but to whom the application is described to use
    And a place inside the cluster to look from
    When somebody else outside is called from there
    Then the call is refused at once, and noticed

  Scenario: It shares nothing with the machine that it runs on
    Given the application is installed by its chart
    Then no pod has a part of the machine that it runs on

  @FR-005
  Scenario: Its secrets stay where they are needed
    Given the application is installed by its chart
    And the secrets of this deployment, which are nobody else's
    Then each of them reaches only the parts that are described to use it
    And none of them is in what this run has written down

  @FR-005 @with-a-public-role
  Scenario: Its pages give no secret away
    Given the application is installed by its chart
    And the secrets of this deployment, which are nobody else's
    Then none of them is in what anybody can fetch from outside

  @FR-005 @with-database
  Scenario: Its database keeps no secret as it is
    Given the application is installed by its chart
    And the secrets of this deployment, which are nobody else's
    Then none of them is kept in the database as it is
